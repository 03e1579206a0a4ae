#include "collectors/parse/kernel_log.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_kernel_log_record, text);
  require(heapfloor::unescaped_log_text(text).size() <= size, "a text only becomes shorter");
  const auto record = heapfloor::parse_kernel_log_record(text);
  for (const std::string_view line : {text, record ? record->text : std::string_view()}) {
    if (const auto selection = heapfloor::find_oom_selection(line))
      require(selection->pid > 0, "a victim has a pid");
    if (const auto kill = heapfloor::find_oom_kill(line)) {
      require(kill->pid > 0, "a victim has a pid");
      require_size(kill->anon_bytes);
    }
  }
  return 0;
}
