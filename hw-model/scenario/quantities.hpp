// SPDX-License-Identifier: Apache-2.0
// Numbers with units, as scenario files and reports have them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <ratio>
#include <span>
#include <string>
#include <string_view>

namespace prd32::scenario {

/// Simulated time, in the resolution that SystemC has unless told otherwise.
using Picoseconds = std::chrono::duration<std::uint64_t, std::pico>;

struct Unit {
  std::string_view name;
  double factor;  ///< one of it, in the unit of the whole list
};

inline constexpr std::array<Unit, 5> kSizes{
    {{"B", 1}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}}};
inline constexpr std::array<Unit, 5> kTimes{{{"ps", 1}, {"ns", 1e3}, {"us", 1e6}, {"ms", 1e9}, {"s", 1e12}}};
inline constexpr std::array<Unit, 4> kRates{{{"B/s", 1}, {"kB/s", 1e3}, {"MB/s", 1e6}, {"GB/s", 1e9}}};
inline constexpr std::array<Unit, 1> kShares{{{"%", 0.01}}};

/// A number, not negative, and one of the units, with or without a space between them: "64 KiB". Nothing when the text
/// is anything else.
std::optional<double> parse_quantity(std::string_view text, std::span<const Unit> units);

/// "B, KiB, MiB"
std::string names_of(std::span<const Unit> units);

/// In the largest unit of which there is at least one: "1.3 us".
std::string with_unit(double quantity, std::span<const Unit> units);
inline std::string time_text(Picoseconds time) {
  return with_unit(static_cast<double>(time.count()), kTimes);
}

}  // namespace prd32::scenario
