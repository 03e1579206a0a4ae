#include "collectors/parse/task_visits.h"

#include <string>

#include "collectors/bpf/task_record.h"
#include "tests/fuzz/property.h"

namespace {

heapfloor::Result<std::vector<heapfloor::TaskVisit>> parse(std::string_view bytes) {
  std::vector<heapfloor::TaskVisit> visits = {{1, false, 1, 1, 1}};  // of an earlier iteration
  return heapfloor::parse_task_visits(bytes, visits).map([&] { return std::move(visits); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view bytes = text_of(data, size);
  require_pure_and_total(parse, bytes);
  const auto visits = parse(bytes);
  if (!visits) return 0;
  require(visits->size() <= size / sizeof(ProcessRecord), "each process takes a record");
  std::int32_t before = 0;
  for (const heapfloor::TaskVisit& visit : *visits) {
    require(visit.pid > before, "pids ascend");
    before = visit.pid;
  }
  const auto again = parse(std::string(bytes) + std::string(bytes));
  require(again && *again == *visits, "what follows the last record changes nothing");
  return 0;
}
