// Text in an HTML document. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace heapfloor {

// Text as the content of an element or of a quoted attribute: & < > " ' are escaped. Whatever the
// text is, the result is valid UTF-8 and holds no control or direction characters: names are
// written as visible_name() has them, a line feed as \n.
std::string html_text(std::string_view text);

}  // namespace heapfloor
