// Rows that can be told from all others: what each holds follows from its id and the batch that
// wrote it.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "agent/history/history_row.h"
#include "agent/history/history_store.h"

namespace heapfloor {

inline constexpr std::uint64_t kSeriesRows = 7;
inline constexpr std::uint64_t kTickRows = 20;
inline const HistoryLimits kRoomyLimits = {86400.0 * 365, 64.0 * 1024 * 1024};

inline HistoryRow row_of(RowKind kind, std::uint64_t number, std::uint64_t batch,
                         std::uint64_t seed = 0) {
  std::mt19937_64 random(seed * 1000003 + batch * 64 + static_cast<std::uint64_t>(kind));
  HistoryRow row{{kind, number}, static_cast<double>(batch), {}};
  const std::size_t words = kind == RowKind::series ? 200 + random() % 1200 : 1 + random() % 40;
  for (std::size_t i = 0; i < words; ++i) {
    const std::uint64_t word = random();
    row.bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  return row;
}

// The batch with this number, from 1: one of the series, a tick, the agent, sometimes a transition.
inline HistoryBatch batch_of(std::uint64_t number, std::uint64_t seed = 0) {
  HistoryBatch batch;
  batch.time_seconds = static_cast<double>(number);
  batch.unix_seconds = static_cast<double>(number);
  batch.rows.push_back(row_of(RowKind::series, number % kSeriesRows, number, seed));
  batch.rows.push_back(row_of(RowKind::tick, number, number, seed));
  batch.rows.push_back(row_of(RowKind::agent, 0, number, seed));
  if (number % 3 == 0) batch.rows.push_back(row_of(RowKind::transition, number, number, seed));
  if (number % 11 == 0) batch.erased.push_back({RowKind::transition, number / 2});
  if (number > kTickRows) batch.first_tick = number - kTickRows;
  return batch;
}

using Rows = std::map<RowId, std::string>;

// The same in memory: what a store holds after the batches up to `number`.
inline void put_into(Rows& rows, const HistoryBatch& batch) {
  for (const RowId& id : batch.erased) rows.erase(id);
  std::erase_if(rows, [&](const auto& row) {
    return row.first.kind == RowKind::tick && row.first.number < batch.first_tick;
  });
  for (const HistoryRow& row : batch.rows) rows[row.id] = row.bytes;
}

inline Rows rows_in(HistoryStore& store) {
  Rows rows;
  for (const RowKind kind : kRowKinds) {
    const auto read =
        store.visit(kind, [&rows](const HistoryRow& row) { rows[row.id] = row.bytes; });
    if (!read) return {};
  }
  return rows;
}

}  // namespace heapfloor
