// How a detector's state is written down and read back.
#include <utility>

#include "agent/trend/detector.h"
#include "agent/trend/state_bytes.h"

namespace heapfloor {

void Detector::LevelStatus::save(ByteWriter& out) const {
  out.put(largest_undone_rise);
  out.put(rise);
  out.put(evidence_seconds);
  out.put(evidence);
  out.put(gate);
  out.put(hits);
}

void Detector::LevelStatus::restore(ByteReader& in) {
  largest_undone_rise = in.take_number<float>(0, kMostValue);
  rise = in.take_number<float>(0, kMostValue);
  evidence_seconds = in.take_number<float>(-kMostSeconds, kMostSeconds);
  evidence = in.take_enum<Evidence>(kEvidences);
  gate = in.take_at_most<std::uint8_t>(kGates);
  hits = in.take<std::uint8_t>();
}

void Detector::save(ByteWriter& out) const {
  out.put(kStateVersion);
  out.put(traits_);
  pyramid_.save(out);
  for (const LevelStatus& status : status_) status.save(out);
  sparse_status_.save(out);
  season_status_.save(out);
  season_.save(out);
  sparse_.save(out);
  filter_.save(out);
  troughs_.save(out);
  amplitude_.save(out);
  tooth_growth_.save(out);
  save_verdict(out, verdict_);
  earlier_.save(out);
  out.put(now_seconds_);
  out.put(start_seconds_);
  out.put(limit_);
  out.put(asymptote_window_seconds_);
  out.put(asymptote_to_exceed_);
  out.put(bucket_peak_);
  out.put(last_floor_);
  out.put(highest_);
  out.put(last_epoch_);
  out.put(compactions_);
  out.put(full_tests_);
  out.put(started_);
  out.put(has_epoch_);
  out.put(has_limit_);
}

bool Detector::restore(ByteReader& in) {
  const bool is_known = in.take<std::uint8_t>() == kStateVersion;
  if (!in.require(is_known)) return false;
  in.require(in.take_enum<SignalTraits>(kSignalTraits) == traits_);
  Detector saved(*policy_, traits_);
  saved.restore_parts(in);
  if (in.failed()) return false;
  *this = std::move(saved);
  return true;
}

void Detector::restore_parts(ByteReader& in) {
  in.require(pyramid_.restore(in));
  for (LevelStatus& status : status_) status.restore(in);
  sparse_status_.restore(in);
  season_status_.restore(in);
  in.require(season_.restore(in));
  in.require(sparse_.restore(in) && filter_.restore(in) && troughs_.restore(in) &&
             amplitude_.restore(in) && tooth_growth_.restore(in));
  in.require(restore_verdict(in, verdict_));
  in.require(earlier_.restore(in));
  in.require(verdict_.level < static_cast<std::int32_t>(pyramid_.levels()));
  now_seconds_ = in.take_number<double>(-kMostSeconds, kMostSeconds);
  start_seconds_ = in.take_number<double>(-kMostSeconds, kMostSeconds);
  limit_ = in.take_number<double>(0, kMostLimit);
  asymptote_window_seconds_ = in.take_number<float>(0, kMostSeconds);
  asymptote_to_exceed_ = in.take_number<float>(-kMostAsymptote, kMostAsymptote);
  bucket_peak_ = in.take_number<float>(0, kMostValue);
  last_floor_ = in.take_number<float>(0, kMostValue);
  highest_ = in.take_number<float>(0, kMostValue);
  last_epoch_ = in.take<std::uint64_t>();
  compactions_ = in.take<std::uint64_t>();
  full_tests_ = in.take<std::uint32_t>();
  started_ = in.take_flag();
  has_epoch_ = in.take_flag();
  has_limit_ = in.take_flag();
}

}  // namespace heapfloor
