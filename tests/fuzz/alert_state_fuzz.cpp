#include "agent/alerts/notification_json.h"
#include "agent/alerts/silence_book.h"
#include "tests/fuzz/property.h"

// What the history gives back after a restart, whatever has become of it on the disk.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  const std::string_view bytes = text_of(data, size);
  if (const auto saved = heapfloor::decode_queue(bytes)) {
    heapfloor::DeliveryQueue queue({}, 1);
    queue.restore(*saved, 1000, 1.7e9);
    require(queue.size() <= saved->size(), "an alert is in the queue once");
    const auto again = heapfloor::decode_queue(heapfloor::encode_queue(queue.save()));
    require(again && again->size() == queue.size(), "what was saved can be loaded");
    queue.update({}, {}, 1000, 1.7e9);
    if (const auto batch = queue.take(1000)) {
      static_cast<void>(heapfloor::alertmanager_body(batch->alerts, 1.7e9, 240));
      static_cast<void>(heapfloor::webhook_body(batch->alerts, "fuzz", ""));
    }
  }
  heapfloor::SilenceBook book;
  if (book.load(bytes)) {
    heapfloor::SilenceBook successor;
    require(successor.load(book.save()).has_value(), "what was saved can be loaded");
  } else {
    require(book.silences().empty(), "damaged bytes are refused whole");
  }
  return 0;
}
