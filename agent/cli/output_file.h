// A file that other programs read at any moment: they see the old text or the new one, never a
// part.
#pragma once

#include <string>
#include <string_view>

#include "collectors/result.h"

namespace heapfloor {

// Replaces the file at `path`, or makes it, with mode 0644: the text is written to a temporary file
// beside it (its name is `path` with a dot and six more characters, so it does not end in .prom),
// which is then renamed (rename(2)). A link at `path` is replaced, not followed. After an error the
// file is as it was and the temporary one is gone. Thread rule: any thread.
Result<void> replace_file(const std::string& path, std::string_view text);

}  // namespace heapfloor
