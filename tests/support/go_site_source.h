// A GoSiteSource over a memory profile that lies in the test's own memory.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

#include "collectors/host_root.h"
#include "collectors/runtime/go_program.h"
#include "collectors/runtime/go_target.h"
#include "tests/support/go_profile_writer.h"

namespace heapfloor::testing {

// `id` is whom it is said to be of; `root`, of this host, and `memory` outlive it, and the latter
// is not moved. Throws where the kernel does not let a process read itself.
inline std::shared_ptr<const GoSiteSource> own_site_source(const HostRoot& root,
                                                           GoProfileWriter& memory,
                                                           const ProcessId& id) {
  const auto self = root.open_process(::getpid());
  const auto begin =
      reinterpret_cast<std::uint64_t>(memory.bytes().data()) - GoProfileWriter::kBase;
  auto mapped = self->open_mapped_memory(begin, std::uint64_t{1} << 56U);
  if (!mapped) throw std::runtime_error(mapped.error().reason);
  auto program = std::make_shared<GoProgram>();
  program->layout.buckets = GoProfileWriter::layout();
  const auto set = [&program](GoVariable variable, std::uint64_t address) {
    program->variables.at(static_cast<std::size_t>(variable)) = address;
  };
  set(GoVariable::buckets, GoProfileWriter::kPlace.buckets);
  set(GoVariable::profile_cycle, GoProfileWriter::kPlace.cycle);
  set(GoVariable::profile_rate, GoProfileWriter::kPlace.rate);
  return std::make_shared<const GoSiteSource>(
      id, std::move(program), std::make_shared<const MappedBytes>(std::move(*mapped)), 0);
}

}  // namespace heapfloor::testing
