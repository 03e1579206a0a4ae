#include "agent/cli/html_text.h"

#include "agent/exposition/text_format.h"

namespace heapfloor {

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : visible_name(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace heapfloor
