// SPDX-License-Identifier: Apache-2.0
// Until when to wait, and how long that is.
#pragma once

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>

namespace prd32 {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;  ///< nothing: for ever

/// So long from now; what is less than nothing is nothing, and what the clock's numbers have no room for is for ever.
template <typename Limit>
Deadline after(Limit limit) {
  constexpr std::chrono::hours kForEver(24 * 365 * 100);
  if (limit >= kForEver) {
    return std::nullopt;
  }
  return std::chrono::steady_clock::now() + std::max(limit, Limit::zero());
}

inline bool passed(const Deadline& deadline) {
  return deadline && std::chrono::steady_clock::now() >= *deadline;
}

/// What is left until then, as ppoll(2) takes it.
inline std::timespec left_until(std::chrono::steady_clock::time_point deadline) {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  const auto left = std::max<nanoseconds>(nanoseconds::zero(), deadline - std::chrono::steady_clock::now());
  const auto whole = std::chrono::duration_cast<seconds>(left);
  return {.tv_sec = whole.count(), .tv_nsec = (left - whole).count()};
}

}  // namespace prd32
