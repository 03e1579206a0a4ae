// The smallest parts of the exposition formats: how a name, a HELP text and a number are written.
//
// Sources: Prometheus "Exposition formats" (text 0.0.4) and the OpenMetrics 1.0 specification.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace heapfloor {

// A name that a target process chose, as every page shows it: valid UTF-8 without characters that
// act instead of being seen. The bytes of control characters other than the line feed (C0, DEL and
// C1), of line and paragraph separators, of the characters that set the direction of writing (UAX
// #9, Bidi_Control) and of the byte order mark become \xNN (upper case), as do bytes that are not
// part of a valid UTF-8 sequence. A backslash before an x becomes \x5C, so the mapping can be
// undone and two different names never become equal.
std::string visible_name(std::string_view raw);

// Appends visible_name(raw) as the inside of a quoted label value: \, " and line feed are escaped.
void append_label_value(std::string& out, std::string_view raw);

// Appends a HELP text: \ and line feed are escaped, and " as well where `escape_quotes` asks for it
// (OpenMetrics). The text must be valid UTF-8.
void append_help(std::string& out, std::string_view text, bool escape_quotes);

// Room that write_number() needs.
inline constexpr std::size_t kNumberRoom = 32;

// Writes the shortest text that reads back as `value` and returns its end: whole numbers below 2^63
// without exponent or decimal point, NaN, +Inf and -Inf as Prometheus spells them.
// `out` has room for kNumberRoom bytes.
char* write_number(char* out, double value);

// The same, appended to a string.
void append_number(std::string& out, double value);

}  // namespace heapfloor
