// Manual pages: heapfloor(1) from the command line, heapfloor.yml(5) from the list of keys.
//
// Pure. Source: man(7), groff_char(7).
#pragma once

#include <string>
#include <string_view>

#include "agent/cli/command_tree.h"

namespace heapfloor {

// Text that roff shows as it is, wherever it stands in a line: no request, no escape, and the
// characters that a shell knows (- ' ` ^ ~) as those and not as typographic ones.
std::string roff_text(std::string_view text);

// `date` is YYYY-MM-DD and stands at the foot.
std::string render_manual(const CommandText& program, std::string_view version,
                          std::string_view date);
std::string render_config_manual(std::string_view version, std::string_view date);

}  // namespace heapfloor
