// What is read back from the history: the first byte says which kind of bytes the rest claims to
// be.
#include <functional>
#include <string>

#include "agent/alerts/alert_book.h"
#include "agent/alerts/watch_list.h"
#include "agent/history/recorder.h"
#include "agent/profile/site_history.h"
#include "agent/series/growth_ledger.h"
#include "agent/series/oom_book.h"
#include "tests/fuzz/property.h"

namespace heapfloor::testing {
namespace {

WatchList make_list() {
  return {[](Signal) { return TrendPolicy(); }, 4};
}

// A watch that is believed can be saved again, judged on, and shown.
void try_watch(std::string_view bytes) {
  WatchList list = make_list();
  ByteReader in(bytes);
  TieredRing ring;
  std::unique_ptr<Watch> watch = list.read(in, ring);
  if (!watch) return;
  const SeriesKey key = watch->key;
  const double now = watch->last_reading.time_seconds;
  const Watch* const taken = list.restore(std::move(watch), std::move(ring));
  require(taken != nullptr, "an empty list has room");
  std::string again;
  ByteWriter out(again);
  list.save(out, *taken);
  WatchList other = make_list();
  ByteReader back(again);
  TieredRing other_ring;
  require(other.read(back, other_ring) != nullptr && back.finished(),
          "what was believed is believed again");
  for (int i = 0; i < 40; ++i) {
    Observation reading;
    reading.time_seconds = now + 30.0 * i;
    reading.value = 1e8 + 1e6 * i;
    reading.limit = 1e9;
    list.replay(key, reading);
  }
  require(!list.points(*taken).empty(), "a watch that is read has points");
  static_cast<void>(taken->detector.floors());
  static_cast<void>(taken->id());
}

void try_alerts(std::string_view bytes) {
  AlertBook book(60, 300);
  ByteReader in(bytes);
  if (!book.restore(in)) {
    require(book.alerts().empty(), "a refusal changes nothing");
    return;
  }
  std::string again;
  ByteWriter out(again);
  book.save(out);
  AlertBook other(60, 300);
  ByteReader back(again);
  require(other.restore(back) && back.finished(), "what was believed is believed again");
  static_cast<void>(book.step({}, 1e6));
}

void try_incarnation(std::string_view bytes) {
  Incarnation incarnation;
  ByteReader in(bytes);
  if (!restore_incarnation(in, incarnation)) return;
  const auto written = [](const Incarnation& life) {
    std::string row;
    ByteWriter out(row);
    save_incarnation(out, life);
    return row;
  };
  const std::string again = written(incarnation);
  Incarnation other;
  ByteReader back(again);
  require(restore_incarnation(back, other), "what was believed is believed again");
  require(written(other) == again, "and says the same");
}

void try_ooms(std::string_view bytes) {
  constexpr OomBook::Moment kNow{"boot", 1.7e9};
  OomBook book;
  if (!book.restore(bytes, kNow)) {
    require(book.workloads().empty(), "a refusal changes nothing");
    return;
  }
  OomBook successor;
  require(successor.restore(book.save(kNow), kNow), "what was believed is believed again");
  book.step(CgroupTable(), OomBoard(), 1000);
}

// What is believed says the same when it is written down and read again.
template <class State>
void try_state(std::string_view bytes, const State& empty, const std::function<void(State&)>& use) {
  const auto written = [](const State& state) {
    std::string row;
    ByteWriter out(row);
    state.save(out);
    return row;
  };
  State state = empty;
  ByteReader in(bytes);
  if (!state.restore(in)) {
    require(written(state) == written(empty), "a refusal changes nothing");
    return;
  }
  const std::string again = written(state);
  State other = empty;
  ByteReader back(again);
  require(other.restore(back) && back.finished(), "what was believed is believed again");
  require(written(other) == again, "and says the same");
  use(state);
}

void use_ledger(GrowthLedger& ledger) {
  for (int i = 0; i < 40; ++i) ledger.add({.time_seconds = 2e12 + 15.0 * i, .anon_bytes = 1e8});
  static_cast<void>(ledger.growth_since(2e12));
}

void use_sites(SiteHistory& history) {
  static_cast<void>(history.growing());
  HeapSites heap;
  heap.sites.resize(3);
  heap.sites[1].index = 1;
  heap.sites[2].index = 2;
  heap.sites[2].live_bytes = 1e6;
  history.add(heap, 2e12);
  static_cast<void>(history.growing());
}

}  // namespace
}  // namespace heapfloor::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heapfloor::testing;  // NOLINT(google-build-using-namespace): one function
  if (size == 0) return 0;
  const std::string_view rest = text_of(data, size).substr(1);
  switch (data[0] % 7) {
    case 0:
      try_watch(rest);
      break;
    case 1:
      try_alerts(rest);
      break;
    case 2:
      try_incarnation(rest);
      break;
    case 3:
      try_ooms(rest);
      break;
    case 4:
      try_state<heapfloor::GrowthLedger>(rest, {}, use_ledger);
      break;
    case 5:
      try_state<heapfloor::SiteHistory>(rest, heapfloor::SiteHistory(), use_sites);
      break;
    default:
      try_state<heapfloor::SiteHistory>(
          rest, heapfloor::SiteHistory({.most_sites = 256, .has_ages = false}), use_sites);
  }
  return 0;
}
