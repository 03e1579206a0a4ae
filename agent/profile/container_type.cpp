#include "agent/profile/container_type.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace heapfloor {
namespace {

constexpr std::size_t kMostNameBytes = 4096;
constexpr std::size_t kMostElementBytes = 256;
constexpr std::size_t kMostArguments = 64;

bool is_open(char c) { return c == '<' || c == '(' || c == '[' || c == '{'; }
bool is_close(char c) { return c == '>' || c == ')' || c == ']' || c == '}'; }
bool is_word(char c) {
  return c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z');
}

// The length of "operator" and its symbol at `at`, whose brackets open nothing; 0 where there is
// none.
std::size_t operator_length(std::string_view text, std::size_t at) {
  constexpr std::string_view kWord = "operator";
  if (!text.substr(at).starts_with(kWord) || (at > 0 && is_word(text[at - 1]))) return 0;
  const std::string_view rest = text.substr(at + kWord.size());
  // operator new, operator delete, and conversions: "operator std::string() const".
  if (rest.starts_with(' ')) {
    const std::size_t parameters = rest.find('(');
    return kWord.size() + std::min(parameters, rest.size());
  }
  constexpr std::array<std::string_view, 13> kSymbols = {
      "()", "[]", "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "<", ">"};
  for (const std::string_view symbol : kSymbols) {
    if (rest.starts_with(symbol)) return kWord.size() + symbol.size();
  }
  return 0;
}

// Calls visit(position, depth) for each byte that is no part of an operator's symbol; a bracket has
// the depth outside of it. Stops where visit() says false.
template <class Visit>
void walk(std::string_view text, Visit visit) {
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t skipped = operator_length(text, at);
    if (skipped > 0) {
      at += skipped;
      continue;
    }
    const char c = text[at];
    const bool is_arrow = c == '>' && at > 0 && text[at - 1] == '-';
    if (is_close(c) && !is_arrow && depth > 0) --depth;
    if (!visit(at, depth)) return;
    if (is_open(c)) ++depth;
    ++at;
  }
}

// Where the bracket that opens at `at` is closed; npos where it is not.
std::size_t closing(std::string_view text, std::size_t at) {
  std::size_t found = std::string_view::npos;
  walk(text.substr(at), [&](std::size_t place, std::size_t depth) {
    if (place == 0 || depth != 0 || !is_close(text[at + place])) return true;
    found = at + place;
    return false;
  });
  return found;
}

// Whether the bracket that closes at `end` belongs to the name: "(anonymous namespace)::",
// "foo(int)::{lambda()#1}", "foo() const::{lambda()#1}".
bool is_scope_behind(std::string_view text, std::size_t end) {
  std::string_view rest = text.substr(end + 1);
  while (!rest.empty() && rest.front() == ' ') {  // const, volatile, &, [clone .cold]
    const std::size_t word = rest.find_first_of(" :[(", 1);
    if (word == std::string_view::npos) return false;
    rest.remove_prefix(word);
  }
  return rest.starts_with("::");
}

// The qualified name without result and parameters.
std::string_view qualified_name(std::string_view text) {
  std::size_t start = 0;
  std::size_t end = text.size();
  std::size_t skip_to = 0;
  walk(text, [&](std::size_t at, std::size_t depth) {
    if (depth != 0 || at < skip_to) return true;
    if (text[at] == ' ') {
      const bool is_before_template = at + 1 < text.size() && text[at + 1] == '>';
      if (!is_before_template) start = at + 1;
      return true;
    }
    if (text[at] == '[') {  // [abi:cxx11], [clone .cold]
      return true;
    }
    if (text[at] != '(') return true;
    const std::size_t close = closing(text, at);
    if (close == std::string_view::npos) {
      end = at;
      return false;
    }
    const bool is_name =
        is_scope_behind(text, close) || text.substr(start, at - start) == "decltype";
    if (!is_name) {
      end = at;
      return false;
    }
    skip_to = close + 1;
    if (text.substr(start, at - start) != "decltype") {
      const std::size_t scope = text.find("::", close);
      if (scope != std::string_view::npos) skip_to = scope;  // behind "const"
    }
    return true;
  });
  return start < end ? text.substr(start, end - start) : std::string_view();
}

bool is_inline_namespace(std::string_view scope) {
  return scope == "__cxx11" || scope == "__1" || scope == "__8" || scope.starts_with("lts_2") ||
         scope == "_V2" || scope == "__cxx1998" || scope == "__debug";
}

// A template's name without its arguments, and without an ABI tag.
std::string_view plain_name(std::string_view scope) {
  if (operator_length(scope, 0) > 0) return scope;
  return scope.substr(0, scope.find_first_of("<["));
}

std::string element_text(std::string_view type) {
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  if (type.size() <= kMostElementBytes) return std::string(type);
  std::size_t end = kMostElementBytes;
  while (end > 0 && (static_cast<unsigned char>(type[end]) & 0xC0U) == 0x80U) --end;
  return std::string(type.substr(0, end)) + "…";
}

std::string_view argument(std::string_view scope, std::size_t index) {
  const std::vector<std::string_view> arguments = template_arguments(scope);
  return index < arguments.size() ? arguments[index] : std::string_view();
}

// How the element is found in the arguments of a container's template.
enum class Element : std::uint8_t { first, pair, hash_table, tree, table_of_libcxx };

struct Known {
  std::string_view name;       // of the template, in its namespace
  std::string_view container;  // what users call it; empty: its table says so
  Element element;
  bool is_public;  // the name that users write
};

constexpr std::array kStandard = {
    Known{"vector", "vector", Element::first, true},
    Known{"_Vector_base", "vector", Element::first, false},
    Known{"__split_buffer", "vector", Element::first, false},
    Known{"deque", "deque", Element::first, true},
    Known{"_Deque_base", "deque", Element::first, false},
    Known{"list", "list", Element::first, true},
    Known{"_List_base", "list", Element::first, false},
    Known{"__list_imp", "list", Element::first, false},
    Known{"forward_list", "forward_list", Element::first, true},
    Known{"_Fwd_list_base", "forward_list", Element::first, false},
    Known{"basic_string", "string", Element::first, true},
    Known{"map", "map", Element::pair, true},
    Known{"multimap", "multimap", Element::pair, true},
    Known{"set", "set", Element::first, true},
    Known{"multiset", "multiset", Element::first, true},
    Known{"unordered_map", "unordered_map", Element::pair, true},
    Known{"unordered_multimap", "unordered_multimap", Element::pair, true},
    Known{"unordered_set", "unordered_set", Element::first, true},
    Known{"unordered_multiset", "unordered_multiset", Element::first, true},
    Known{"_Rb_tree", {}, Element::tree, false},
    Known{"__tree", {}, Element::table_of_libcxx, false},
    Known{"_Hashtable", {}, Element::hash_table, false},
    Known{"__hash_table", {}, Element::table_of_libcxx, false},
    Known{"_Map_base", {}, Element::hash_table, false},
    Known{"_Insert_base", {}, Element::hash_table, false},
    Known{"_Insert", {}, Element::hash_table, false},
};

constexpr std::array kBoost = {
    Known{"vector", "vector", Element::first, true},
    Known{"small_vector", "small_vector", Element::first, true},
    Known{"small_vector_base", "small_vector", Element::first, false},
    Known{"deque", "deque", Element::first, true},
    Known{"stable_vector", "stable_vector", Element::first, true},
    Known{"list", "list", Element::first, true},
    Known{"slist", "slist", Element::first, true},
    Known{"circular_buffer", "circular_buffer", Element::first, true},
    Known{"flat_map", "flat_map", Element::pair, true},
    Known{"flat_set", "flat_set", Element::first, true},
    Known{"map", "map", Element::pair, true},
    Known{"set", "set", Element::first, true},
    Known{"unordered_map", "unordered_map", Element::pair, true},
    Known{"unordered_set", "unordered_set", Element::first, true},
    Known{"unordered_flat_map", "unordered_flat_map", Element::pair, true},
    Known{"unordered_flat_set", "unordered_flat_set", Element::first, true},
    Known{"multi_index_container", "multi_index_container", Element::first, true},
};

constexpr std::array kAbseil = {
    Known{"flat_hash_map", "flat_hash_map", Element::pair, true},
    Known{"flat_hash_set", "flat_hash_set", Element::first, true},
    Known{"node_hash_map", "node_hash_map", Element::pair, true},
    Known{"node_hash_set", "node_hash_set", Element::first, true},
    Known{"btree_map", "btree_map", Element::pair, true},
    Known{"btree_set", "btree_set", Element::first, true},
    Known{"InlinedVector", "InlinedVector", Element::first, true},
};

struct Match {
  ContainerType type;
  bool is_public = false;
};

std::string pair_text(std::string_view key, std::string_view value) {
  if (key.empty() || value.empty()) return {};
  // A pointer's or a reference's own const stands behind it.
  const bool is_indirect = key.ends_with('*') || key.ends_with('&');
  std::string text = "std::pair<";
  text += is_indirect ? std::string(key) + " const" : "const " + std::string(key);
  text.append(", ").append(value).append(value.ends_with('>') ? " >" : ">");
  return element_text(text);
}

// g++ and clang both print "std::pair<int const, User>"; users write "std::pair<const int, User>".
std::string value_text(std::string_view type) {
  if (!type.starts_with("std::pair<")) return element_text(type);
  const std::vector<std::string_view> parts = template_arguments(type);
  constexpr std::string_view kConst = " const";
  if (parts.size() != 2 || !parts[0].ends_with(kConst)) return element_text(type);
  std::string_view key = parts[0];
  key.remove_suffix(kConst.size());
  return pair_text(key, parts[1]);
}

// A tree or a hash table is a map where its key is taken from a pair.
std::string table_name(std::string_view scope, std::string_view function, bool is_tree) {
  const bool is_set = scope.find("_Identity") != std::string_view::npos;
  const bool is_multi = function.find("equal") != std::string_view::npos ||
                        function.find("_M_insert_multi") != std::string_view::npos ||
                        function.find("_M_emplace_multi") != std::string_view::npos;
  std::string name = is_tree ? "" : "unordered_";
  if (is_multi) name += "multi";
  return name + (is_set ? "set" : "map");
}

// libc++: __tree<__value_type<K, V>, …> and __hash_table<__hash_value_type<K, V>, …> are maps.
Match libcxx_table(std::string_view scope) {
  const std::string_view held = argument(scope, 0);
  const bool is_tree = plain_name(scope) == "__tree";
  const std::string prefix = is_tree ? "" : "unordered_";
  if (held.find("_value_type<") == std::string_view::npos)
    return {{prefix + "set", element_text(held)}, false};
  const std::string_view own = held.substr(held.find("_value_type<"));
  return {{prefix + "map", pair_text(argument(own, 0), argument(own, 1))}, false};
}

Match match_of(const Known& known, std::string_view scope, std::string_view function) {
  Match match{{std::string(known.container), {}}, known.is_public};
  switch (known.element) {
    case Element::first:
      match.type.element = value_text(argument(scope, 0));
      break;
    case Element::pair:
      match.type.element = pair_text(argument(scope, 0), argument(scope, 1));
      break;
    case Element::hash_table:
      match.type = {table_name(scope, function, false), value_text(argument(scope, 1))};
      break;
    case Element::tree:
      match.type = {table_name(scope, function, true), value_text(argument(scope, 1))};
      break;
    case Element::table_of_libcxx:
      return libcxx_table(scope);
  }
  return match;
}

template <std::size_t kCount>
std::optional<Match> match_in(const std::array<Known, kCount>& all, std::string_view scope,
                              std::string_view function) {
  const std::string_view name = plain_name(scope);
  for (const Known& known : all) {
    if (known.name == name && scope.size() > name.size()) return match_of(known, scope, function);
  }
  return std::nullopt;
}

// raw_hash_set<FlatHashMapPolicy<K, V>, …>, btree<map_params<K, V, …> >.
std::optional<Match> match_abseil(std::string_view scope, std::string_view function) {
  struct Policy {
    std::string_view name, container;
    bool is_map;
  };
  constexpr std::array kPolicies = {
      Policy{"FlatHashMapPolicy", "flat_hash_map", true},
      Policy{"FlatHashSetPolicy", "flat_hash_set", false},
      Policy{"NodeHashMapPolicy", "node_hash_map", true},
      Policy{"NodeHashSetPolicy", "node_hash_set", false},
      Policy{"map_params", "btree_map", true},
      Policy{"set_params", "btree_set", false},
  };
  const std::string_view name = plain_name(scope);
  if (name != "raw_hash_set" && name != "raw_hash_map" && name != "btree")
    return match_in(kAbseil, scope, function);
  const std::string_view held = argument(scope, 0);
  for (const Policy& policy : kPolicies) {
    const std::size_t at = held.find(policy.name);
    if (at == std::string_view::npos) continue;
    const std::string_view own = held.substr(at);
    const std::string element = policy.is_map ? pair_text(argument(own, 0), argument(own, 1))
                                              : value_text(argument(own, 0));
    return Match{{std::string(policy.container), element}, false};
  }
  return std::nullopt;
}

// boost::unordered::detail::table<boost::unordered::detail::map<Allocator, K, V, …> >.
std::optional<Match> match_boost(std::string_view scope, std::string_view function) {
  const std::string_view first = argument(scope, 0);
  // What a flat_map keeps its pairs in.
  if (plain_name(scope) == "vector" && first.starts_with("boost::container::dtl::pair<"))
    return Match{{"flat_map", pair_text(argument(first, 0), argument(first, 1))}, false};
  if (plain_name(scope) != "table") return match_in(kBoost, scope, function);
  const std::string_view held = argument(scope, 0);
  const bool is_map = held.find("::map<") != std::string_view::npos;
  const std::string element =
      is_map ? pair_text(argument(held, 1), argument(held, 2)) : value_text(argument(held, 1));
  return Match{{is_map ? "unordered_map" : "unordered_set", element}, false};
}

std::optional<Match> match_frame(const std::vector<std::string_view>& scopes) {
  if (scopes.size() < 2) return std::nullopt;
  const std::string_view function = scopes.back();
  // The last scope is the function: a template of a container's name there is its constructor.
  for (std::size_t i = 1; i + 1 < scopes.size(); ++i) {
    std::optional<Match> match;
    if (scopes.front() == "std") match = match_in(kStandard, scopes[i], function);
    if (scopes.front() == "absl") match = match_abseil(scopes[i], function);
    if (scopes.front() == "boost") match = match_boost(scopes[i], function);
    if (match) return match;
  }
  return std::nullopt;
}

bool is_library(const std::vector<std::string_view>& scopes) {
  if (scopes.size() < 2) return false;
  const std::string_view top = scopes.front();
  return top == "std" || top == "__gnu_cxx" || top == "absl" || top == "boost" ||
         top == "heapfloor" || top == "__cxxabiv1";
}

}  // namespace

std::vector<std::string_view> scopes_of(std::string_view demangled) {
  std::vector<std::string_view> scopes;
  if (demangled.size() > kMostNameBytes) return scopes;
  const std::string_view name = qualified_name(demangled);
  std::size_t start = 0;
  const auto add = [&](std::size_t end) {
    const std::string_view scope = name.substr(start, end - start);
    if (!scope.empty() && !is_inline_namespace(scope)) scopes.push_back(scope);
  };
  walk(name, [&](std::size_t at, std::size_t depth) {
    if (depth == 0 && at >= start && name.substr(at, 2) == "::") {
      add(at);
      start = at + 2;
    }
    return true;
  });
  if (start < name.size()) add(name.size());
  return scopes;
}

std::vector<std::string_view> template_arguments(std::string_view name) {
  std::vector<std::string_view> arguments;
  const std::size_t open = name.find('<');
  if (open == std::string_view::npos) return arguments;
  std::size_t start = open + 1;
  const auto add = [&](std::size_t end) {
    std::string_view text = name.substr(start, end - start);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    if (!text.empty()) arguments.push_back(text);
    start = end + 1;
  };
  walk(name.substr(open), [&](std::size_t place, std::size_t depth) {
    const std::size_t at = open + place;
    if (depth == 1 && name[at] == ',') add(at);
    const bool is_end = depth == 0 && place > 0;
    if (is_end) add(at);
    return !is_end && arguments.size() < kMostArguments;
  });
  return arguments;
}

bool is_allocator_function(std::string_view demangled) {
  constexpr std::array<std::string_view, 16> kNames = {
      "malloc",          "calloc", "realloc", "reallocarray",  "memalign",      "posix_memalign",
      "aligned_alloc",   "valloc", "pvalloc", "__libc_malloc", "__libc_calloc", "__libc_realloc",
      "__libc_memalign", "mmap",   "strdup",  "strndup"};
  const std::string_view name = demangled.substr(0, demangled.find('('));
  return name.starts_with("operator new") || std::ranges::find(kNames, name) != kNames.end();
}

bool is_library_function(std::string_view demangled) {
  return is_allocator_function(demangled) || is_library(scopes_of(demangled));
}

std::optional<ContainerType> container_of(std::span<const std::string_view> demangled) {
  std::optional<Match> found;
  for (const std::string_view text : demangled) {
    if (is_allocator_function(text)) continue;
    const std::vector<std::string_view> scopes = scopes_of(text);
    if (!is_library(scopes)) break;
    const std::optional<Match> match = match_frame(scopes);
    if (!match) continue;
    const bool is_same = found && match->type.element == found->type.element;
    if (found && !is_same) break;
    // The outer frames of one container say best what its users call it.
    if (!found || match->is_public || !found->is_public) found = match;
  }
  if (!found) return std::nullopt;
  return found->type;
}

}  // namespace heapfloor
