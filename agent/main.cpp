#include "agent/cli/cli.h"

int main(int argc, char** argv) { return heapfloor::run_cli(argc, argv); }
