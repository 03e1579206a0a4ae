#include "agent/evidence/evidence_store.h"
#include "tests/fuzz/property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const auto record = heapfloor::parse_evidence_record(text_of(data, size));
  if (!record) {
    require(!record.error().reason.empty(), "a refusal has a reason");
    return 0;
  }
  for (const heapfloor::EvidenceRecord::File& file : record->files)
    require(file.name.find('/') == std::string::npos && !file.name.starts_with('.'),
            "a file lies in the capture's directory");
  const auto again = heapfloor::parse_evidence_record(heapfloor::evidence_record_text(*record));
  require(again.has_value() && *again == *record, "what was read is written as it was");
  return 0;
}
