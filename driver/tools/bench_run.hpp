// SPDX-License-Identifier: Apache-2.0
// The measurements of bench.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <prd32/device.hpp>

#include "context.hpp"

namespace prd32::ctl {

/// What is measured at a time.
struct BenchPoint {
  Direction direction = Direction::kFromHost;
  std::size_t size = 0;            ///< bytes of a request
  unsigned depth = 1;              ///< requests that are under way at a time
  std::optional<BufferKind> kind;  ///< of the host's memory; nothing: ordinary memory, pinned for each request
  std::uint64_t card_address = 0;  ///< bytes
  std::uint64_t card_bytes = 0;    ///< that may be used from there on; at least `size`
  double seconds = 0;              ///< for how long
};

/// Requests, bytes per second and latency in microseconds: from submission to outcome, which for a depth over 1
/// contains the wait for those before.
Json measure(const Device& card, const BenchPoint& point);

/// The same of the processor alone: memcpy() of `size` bytes for `seconds`.
Json measure_memcpy(std::size_t size, double seconds);

}  // namespace prd32::ctl
