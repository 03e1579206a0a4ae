// Completion for bash, from the command line.
//
// Pure. Source: bash(1), "Programmable Completion".
#pragma once

#include <string>

#include "agent/cli/command_tree.h"

namespace heapfloor {

// A script that a shell sources. It needs nothing beside bash itself, and runs no program.
std::string render_bash_completion(const CommandText& program);

}  // namespace heapfloor
