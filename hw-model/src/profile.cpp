// SPDX-License-Identifier: Apache-2.0
#include "prd32/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace prd32 {

namespace {

constexpr unsigned kMaxGranuleLog2 = 12;
constexpr unsigned kMaxAlignLog2 = 31;
constexpr unsigned kMaxEntriesLog2 = std::bit_width(limits::kPrdtLastResort) - 1;
constexpr std::array<std::string_view, 4> kModeNames{"error", "silicon", "ignore", "off"};

bool can_be(const regs::Rule& rule, regs::Mode mode) {
  return mode == regs::Mode::kError || (mode == regs::Mode::kSilicon ? rule.silicon : rule.ignore);
}

}  // namespace

std::string_view mode_name(regs::Mode mode) {
  return kModeNames.at(static_cast<std::size_t>(mode));
}

std::optional<std::string> refusal(const Profile& profile) {
  struct Range {
    std::string_view name;
    unsigned value;
    unsigned max;
  };
  for (const Range& range : {Range{"granule_log2", profile.granule_log2, kMaxGranuleLog2},
                             Range{"prdt_align_log2", profile.prdt_align_log2, kMaxAlignLog2},
                             Range{"entries_log2", profile.entries_log2, kMaxEntriesLog2}}) {
    if (range.value > range.max) {
      return fmt::format("{} = {}: must be 0..{}", range.name, range.value, range.max);
    }
  }
  for (std::size_t code = 0; code < regs::kRules.size(); ++code) {
    if (!can_be(regs::kRules[code], profile.modes[code])) {
      return fmt::format("rule {} cannot be switched to {}", regs::kRules[code].name, mode_name(profile.modes[code]));
    }
  }
  return std::nullopt;
}

}  // namespace prd32
