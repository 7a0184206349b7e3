// SPDX-License-Identifier: Apache-2.0
#include "stations.hpp"

#include <fmt/format.h>

namespace prd32::fuzz {

using regs::Err;
using regs::Mode;

namespace {

/// All rules switched to that, or to what comes next to it where they cannot be.
Profile switched(Mode mode) {
  Profile profile = regs::kProfiles.front();
  for (std::size_t code = 1; code < regs::kRules.size(); ++code) {
    const regs::Rule& rule = regs::kRules.at(code);
    const bool possible = mode == Mode::kError || (mode == Mode::kSilicon ? rule.silicon : rule.ignore);
    profile.modes.at(code) = possible ? mode : rule.silicon ? Mode::kSilicon : Mode::kError;
  }
  return profile;
}

/// With limits that a short script reaches.
Profile small(Profile profile) {
  profile.granule_log2 = 2;
  profile.prdt_align_log2 = 3;
  profile.entries_log2 = 3;
  return profile;
}

Profile without(Profile profile, Err code, Mode mode) {
  profile.modes.at(static_cast<std::size_t>(code)) = mode;
  return profile;
}

Timing on_a_link() {
  Timing timing;
  timing.link = LinkConfig{.generation = 1, .lanes = 1, .outstanding_reads = 2};
  return timing;
}

}  // namespace

Stations make_stations(bool mistaken) {
  constexpr std::uint64_t kSize = limits::kMemoryMin;
  const Profile& strict = regs::kProfiles.front();
  std::vector<CardConfig> configs{
      {.memory_size = kSize, .profile = strict},
      {.memory_size = kSize, .profile = strict, .timing = on_a_link()},
      {.memory_size = kSize, .profile = small(strict)},
      {.memory_size = kSize, .profile = switched(Mode::kError)},
      {.memory_size = kSize, .profile = small(switched(Mode::kSilicon))},
      {.memory_size = kSize, .profile = switched(Mode::kSilicon), .timing = on_a_link()},
      {.memory_size = kSize, .profile = small(switched(Mode::kIgnore))},
      {.memory_size = kSize, .profile = small(switched(Mode::kOff))},
      // A descriptor of no bytes is then something that can be moved.
      {.memory_size = kSize, .profile = without(small(switched(Mode::kIgnore)), Err::kPrdZero, Mode::kSilicon)}};
  for (std::size_t i = 1; i < regs::kProfiles.size(); ++i) {
    configs.push_back({.memory_size = kSize, .profile = regs::kProfiles.at(i)});
  }
  Stations stations;
  for (const CardConfig& config : configs) {
    stations.push_back(std::make_unique<Station>(fmt::format("station_{}", stations.size()).c_str(), config,
                                                 mistaken ? strict : config.profile));
  }
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  return stations;
}

}  // namespace prd32::fuzz
