// SPDX-License-Identifier: Apache-2.0
// What is measured: each figure has a name, a unit, perhaps a reference that it is compared with, perhaps a goal.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace prd32::bench {

/// What a figure should come to.
struct Goal {
  enum class Of : std::uint8_t { kValue, kRatio };
  enum class Side : std::uint8_t { kAtLeast, kAtMost };

  Of of;
  Side side;
  double bound;

  bool met(double number) const { return side == Side::kAtLeast ? number >= bound : number <= bound; }
  /// "ratio >= 0.9"
  std::string text() const;
};

struct Figure {
  std::string name;
  std::string unit;
  std::string against{};       ///< what the reference is; empty when there is none
  std::optional<Goal> goal{};  ///< nothing: measured to be known
  bool once = false;           ///< it does not depend on how busy the machine is
  /// Measures, and leaves the median in the counters kValue and, when there is a reference, kReference and kRatio.
  std::function<void(benchmark::State& state)> run;
};

inline constexpr const char* kValue = "value";
inline constexpr const char* kReference = "reference";
inline constexpr const char* kRatio = "ratio";  ///< value / reference

/// One line of JSON: suite, name, value, unit, against, reference, ratio, goal, met; null where there is none.
std::string json_line(const Figure& figure, const benchmark::UserCounters& measured);

}  // namespace prd32::bench
