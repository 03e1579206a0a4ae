// The command line: heapfloor [agent|once|replay|check-config|version] with node_exporter's
// vocabulary.
//
// Every configuration key is a flag of the same name (--collection.interval=1s). Exit codes: 0
// fine, 1 a run-time failure, 2 usage or configuration. Owner of CLI11 is this folder.
#pragma once

namespace heapfloor {

// Runs the program. Blocks until it is done; prints its errors itself.
int run_cli(int argc, const char* const* argv);

}  // namespace heapfloor
