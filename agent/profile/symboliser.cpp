#include "agent/profile/symboliser.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "collectors/parse/go_module.h"

namespace heapfloor {

std::size_t CodeModule::bytes() const {
  return sizeof *this + symbols.bytes() + elf.segments.capacity() * sizeof(ElfSegment) +
         elf.build_id.capacity();
}

// Some file systems number their files without saying which they are: the head has to be the same
// as well.
Symboliser::ModulePointer Symboliser::find(const FileFacts& facts, const ElfFile& elf) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(
      kept_, [&](const Kept& kept) { return kept.facts == facts && kept.module->elf == elf; });
  if (found == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found);
  return found->module;
}

Symboliser::ModulePointer Symboliser::find_former(const CodeMapping& mapping) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(kept_, [&](const Kept& kept) {
    return kept.inode == mapping.inode && kept.path == mapping.path;
  });
  return found == kept_.end() ? nullptr : found->module;
}

void Symboliser::keep(Kept kept) {
  const std::scoped_lock lock(mutex_);
  bytes_ += kept.module->bytes();
  kept_.push_front(std::move(kept));
  while (bytes_ > options_.module_bytes && !kept_.empty()) {
    bytes_ -= kept_.back().module->bytes();
    kept_.pop_back();
  }
}

std::size_t Symboliser::module_bytes() const {
  const std::scoped_lock lock(mutex_);
  return bytes_;
}

std::size_t Symboliser::modules() const {
  const std::scoped_lock lock(mutex_);
  return kept_.size();
}

Symboliser::ModulePointer Symboliser::load(const HostFile& file, const CodeMapping& mapping,
                                           const CodeFiles& files) {
  const FileSource source(file);
  Result<ElfFile> elf = read_elf(source);
  if (!elf) return nullptr;
  if (ModulePointer known = find(file.facts(), *elf)) return known;
  auto module = std::make_shared<CodeModule>();
  module->elf = std::move(*elf);
  module->symbols.add(source, module->elf);
  if (!module->elf.symtab) {
    // A stripped file: its separate one has the same addresses.
    if (const Result<HostFile> debug = files.open_debug(module->elf.build_id)) {
      const FileSource debug_source(*debug);
      const Result<ElfFile> debug_elf = read_elf(debug_source);
      if (debug_elf && debug_elf->build_id == module->elf.build_id && debug_elf->symtab)
        module->symbols.add(debug_source, *debug_elf);
    }
  }
  module->symbols.finish();
  if (module->elf.go_build_info) module->go = find_go_tables(source, module->elf);
  keep({file.facts(), module, mapping.path, mapping.inode});
  return module;
}

// One call of symbolise().
class Symboliser::Run {
 public:
  Run(Symboliser& owner, Profile& profile, const std::vector<CodeMapping>& mappings,
      const CodeFiles& files)
      : owner_(owner), profile_(profile), mappings_(mappings), files_(files) {}

  void run(std::span<const std::uint64_t> addresses, std::size_t most_lines) {
    add_program();
    profile_.locations.reserve(addresses.size());
    for (const std::uint64_t address : addresses) add_location(address);
    add_go_lines();
    if (owner_.options_.wants_lines) add_lines(std::min(most_lines, addresses.size()));
    name_functions();
  }

 private:
  struct Loaded {
    ModulePointer module;  // null where nothing could be read
    std::string name;      // the last part of its path
  };
  // A place in a file: what lines are looked up by.
  struct Place {
    std::uint32_t location = 0;
    std::uint64_t address = 0;
  };

  // pprof takes the first mapping for the program itself.
  void add_program() {
    const auto first = std::ranges::find_if(
        mappings_, [](const CodeMapping& mapping) { return mapping.inode != 0; });
    if (first != mappings_.end()) static_cast<void>(mapping_index(*first));
  }

  std::uint32_t mapping_index(const CodeMapping& mapping) {
    const auto next = static_cast<std::uint32_t>(profile_.mappings.size());
    const auto [place, is_new] = mapping_places_.try_emplace(mapping.start, next);
    if (!is_new) return place->second;
    const std::size_t slash = mapping.path.rfind('/');
    Loaded loaded{nullptr,
                  slash == std::string::npos ? mapping.path : mapping.path.substr(slash + 1)};
    const Result<HostFile> file = files_.open(mapping);
    loaded.module = file ? owner_.load(*file, mapping, files_) : owner_.find_former(mapping);
    ProfileMapping shown{mapping.start, mapping.end, mapping.offset, mapping.path, {},
                         true,          false,       false,          false};
    if (loaded.module) shown.build_id = loaded.module->elf.build_id;
    profile_.mappings.push_back(std::move(shown));
    sources_.push_back(&mapping);
    loaded_.push_back(std::move(loaded));
    return next;
  }

  std::uint32_t function_index(const std::string& mangled, const std::string& file) {
    const auto next = static_cast<std::uint32_t>(profile_.functions.size());
    const auto [place, is_new] = function_places_.try_emplace({mangled, file}, next);
    if (is_new) profile_.functions.push_back({mangled, {}, file});
    return place->second;
  }

  void add_location(std::uint64_t address) {
    ProfileLocation location{address, std::nullopt, {}};
    const CodeMapping* const mapping = find_mapping(mappings_, address);
    std::string name(kUnknownFunction);
    if (mapping != nullptr) {
      const std::uint32_t index = mapping_index(*mapping);
      location.mapping = index;
      const std::uint64_t offset = address - mapping->start + mapping->offset;
      name = name_in(loaded_[index], offset, index);
    }
    location.lines.push_back({function_index(name, {}), 0});
    profile_.locations.push_back(std::move(location));
  }

  // Also notes where its lines would be found.
  std::string name_in(const Loaded& loaded, std::uint64_t offset, std::uint32_t index) {
    std::uint64_t shown = offset;
    if (loaded.module) {
      const auto address = loaded.module->elf.address_of_offset(offset);
      if (address) {
        places_[index].push_back({static_cast<std::uint32_t>(profile_.locations.size()), *address});
        const auto symbol = loaded.module->symbols.find(*address);
        if (symbol && !symbol->name.empty()) return std::string(symbol->name);
        shown = *address;
      }
    }
    if (loaded.name.empty()) return std::string(kUnknownFunction);
    if (loaded.name.front() == '[') return loaded.name;  // "[vdso]"
    return fmt::format("[{}+{:#x}]", loaded.name, shown);
  }

  void add_go_lines() {
    for (auto& [mapping, places] : places_) {
      const std::uint32_t index = mapping;  // clang captures no binding
      const auto& go = loaded_[index].module->go;
      if (!go) continue;
      const Result<HostFile> file = files_.open(*sources_[index]);
      if (!file) continue;
      const FileSource source(*file);
      const auto table = GoLineTable::open(source, *go);
      if (!table) continue;
      std::erase_if(places, [&](const Place& place) {
        const auto frame = table->find(place.address);
        if (frame) take_go_frame(index, place.location, *frame);
        if (auto called = table->find_called(place.address))
          profile_.locations[place.location].called = std::move(*called);
        return frame.has_value();
      });
    }
  }

  void take_go_frame(std::uint32_t mapping, std::uint32_t location, const GoFrame& frame) {
    ProfileMapping& shown = profile_.mappings[mapping];
    shown.has_filenames = shown.has_lines = shown.has_inlines = true;
    profile_.locations[location].lines = {{function_index(frame.function, frame.file), frame.line}};
  }

  void add_lines(std::size_t most_lines) {
    for (const auto& [index, places] : places_) {
      const Loaded& loaded = loaded_[index];
      if (places.empty()) continue;
      const Result<HostFile> file = open_debug_info(index, *loaded.module);
      if (!file) continue;
      std::vector<std::uint64_t> addresses;
      for (const Place& place : places) {
        if (place.location < most_lines) addresses.push_back(place.address);
      }
      const std::vector<SourceLines> lines = source_lines(*file, addresses);
      for (std::size_t i = 0; i < lines.size(); ++i) {
        if (!lines[i].empty()) replace_lines(index, places[i].location, lines[i]);
      }
    }
  }

  Result<HostFile> open_debug_info(std::uint32_t index, const CodeModule& module) {
    if (module.elf.has_debug_info) return files_.open(*sources_[index]);
    return files_.open_debug(module.elf.build_id);
  }

  void replace_lines(std::uint32_t mapping, std::uint32_t location, const SourceLines& lines) {
    ProfileMapping& shown = profile_.mappings[mapping];
    shown.has_filenames = shown.has_lines = true;
    if (lines.size() > 1) shown.has_inlines = true;
    ProfileLocation& changed = profile_.locations[location];
    // The table of symbols knows the function that was not inlined at least as well.
    const std::string outer = profile_.functions[changed.lines.front().function].name;
    changed.lines.clear();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const bool is_outer = i + 1 == lines.size();
      const bool knows = !lines[i].function.empty() && !(is_outer && !outer.starts_with('['));
      const std::string& name = knows ? lines[i].function : outer;
      changed.lines.push_back({function_index(name, lines[i].file), lines[i].line});
    }
  }

  void name_functions() {
    std::vector<std::string> names;
    names.reserve(profile_.functions.size());
    for (const ProfileFunction& function : profile_.functions) names.push_back(function.name);
    const std::vector<std::string> demangled = owner_.demangler_.names(names);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (demangled[i] == names[i]) continue;
      profile_.functions[i].name = demangled[i];
      profile_.functions[i].system_name = std::move(names[i]);
    }
  }

  Symboliser& owner_;
  Profile& profile_;
  const std::vector<CodeMapping>& mappings_;
  const CodeFiles& files_;
  std::vector<const CodeMapping*> sources_;  // by index in profile_.mappings, as loaded_
  std::vector<Loaded> loaded_;
  std::map<std::uint64_t, std::uint32_t> mapping_places_;  // by start
  std::map<std::pair<std::string, std::string>, std::uint32_t> function_places_;
  std::map<std::uint32_t, std::vector<Place>> places_;  // by mapping; ascending by location
};

void Symboliser::symbolise(Profile& profile, std::span<const std::uint64_t> addresses,
                           std::size_t most_lines, const std::vector<CodeMapping>& mappings,
                           const CodeFiles& files) {
  Run(*this, profile, mappings, files).run(addresses, most_lines);
}

}  // namespace heapfloor
