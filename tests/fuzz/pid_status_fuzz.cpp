#include "collectors/parse/pid_status.h"

#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view text = text_of(data, size);
  require_pure_and_total(heapfloor::parse_pid_status, text);
  require_pure_and_total(heapfloor::parse_pid_standing, text);
  if (const auto status = heapfloor::parse_pid_status(text)) {
    using heapfloor::PidStatus;
    for (const auto field :
         {&PidStatus::virtual_bytes, &PidStatus::locked_bytes, &PidStatus::resident_peak_bytes,
          &PidStatus::rss_anon_bytes, &PidStatus::rss_file_bytes, &PidStatus::rss_shmem_bytes,
          &PidStatus::data_bytes, &PidStatus::page_table_bytes, &PidStatus::swap_bytes,
          &PidStatus::hugetlb_bytes}) {
      require_size((*status).*field);
    }
    require(text.find("Threads:") != std::string_view::npos, "a text that was cut is no status");
    require_same(heapfloor::parse_pid_status(std::string(text) + "\nVmSize: garbage"), *status,
                 "what follows Threads is not read");
  }
  return 0;
}
