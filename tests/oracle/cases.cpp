// SPDX-License-Identifier: Apache-2.0
#include "cases.hpp"

#include <algorithm>
#include <array>

#include "draw.hpp"
#include "outcome.hpp"
#include "script.hpp"

namespace prd32::oracle {

namespace {

constexpr std::uint64_t kKindNumber = ~std::uint64_t{0};  // no case has it

// One case in so many may be long: it takes as much time as hundreds of others.
bool is_patient(std::uint64_t number) {
  constexpr std::uint64_t kOneIn = 2000;
  return number % kOneIn == kOneIn / 2;
}

// What makes a long case worth its time.
bool runs_past_tables(const CardKind& kind) {
  return kind.profile.modes.at(number_of(Err::kPrdtNoEot)) == regs::Mode::kSilicon &&
         kind.profile.modes.at(number_of(Err::kPrdtEntries)) != regs::Mode::kError;
}

regs::Mode draw_mode(Draw& draw, const regs::Rule& rule) {
  const std::uint32_t draws = draw.below(20);
  if (draws < 8) {
    return regs::Mode::kError;
  }
  if (draws < 14 && rule.silicon) {
    return regs::Mode::kSilicon;
  }
  if (rule.ignore) {
    return draws < 18 ? regs::Mode::kIgnore : regs::Mode::kOff;
  }
  return rule.silicon ? regs::Mode::kSilicon : regs::Mode::kError;
}

CardKind draw_kind(Draw& draw) {
  CardKind kind;
  regs::Profile& profile = kind.profile;
  profile.name = "random";
  profile.granule_log2 = draw.pick({0U, 0U, 1U, 2U, 3U, 12U, draw.below(8)});
  profile.prdt_align_log2 = draw.pick({0U, 0U, 2U, 3U, 4U, 12U, 16U, 16U, 20U, draw.below(32)});
  profile.entries_log2 = draw.pick({0U, 1U, 2U, 2U, 3U, 3U, 3U, 4U, 5U, 9U, draw.below(17)});
  profile.cyclic = !draw.one_in(4);
  profile.writeback = !draw.one_in(4);
  profile.endpoints = !draw.one_in(4);
  profile.queue = !draw.one_in(6);
  for (std::size_t code = 1; code < regs::kRules.size(); ++code) {
    profile.modes.at(code) = draw_mode(draw, regs::kRules.at(code));
  }
  // Not only powers of two: offsets count modulo the size.
  kind.memory_size = limits::kMemoryMin + draw.below(4) * kPageBytes;
  return kind;
}

}  // namespace

std::vector<CardKind> card_kinds(std::uint64_t seed, std::size_t count) {
  std::vector<CardKind> kinds;
  kinds.reserve(std::max(count, regs::kProfiles.size()));
  for (const regs::Profile& profile : regs::kProfiles) {
    kinds.push_back({.profile = profile, .memory_size = limits::kMemoryMin});
  }
  Draw draw(seed, kKindNumber);
  while (kinds.size() < count) {
    kinds.push_back(draw_kind(draw));
  }
  kinds.resize(count);
  return kinds;
}

Case make_case(const std::vector<CardKind>& kinds, std::uint64_t seed, std::uint64_t number) {
  Draw draw(seed, number);
  Case scene;
  scene.card = draw.below(kinds.size());
  for (unsigned tries = 0; is_patient(number) && tries < kinds.size() && !runs_past_tables(kinds[scene.card]);
       ++tries) {
    scene.card = draw.below(kinds.size());
  }
  scene.direct = draw.one_in(2);
  scene.debug = draw.one_in(2);
  scene.bus_time = draw.pick({BusTime::kNone, BusTime::kTold, BusTime::kWaits});
  Script script(draw, kinds[scene.card], is_patient(number));
  script.write();
  script.take(scene);
  return scene;
}

Limits limits_of(std::uint64_t number) {
  constexpr Limits kLong{.descriptors = 2 * limits::kPrdtLastResort, .bytes = 0x400000};
  return is_patient(number) ? kLong : Limits{};
}

}  // namespace prd32::oracle
