// SPDX-License-Identifier: Apache-2.0
// Each rule of a setup and a table: kept at its edge, broken just behind it, and switched each way. That the card stops
// and reports is test_faults.cpp's, that it does what the switch says test_switches.cpp's.
#include <gtest/gtest.h>

#include <vector>

#include "bench.hpp"
#include "prd32/rules.hpp"

namespace prd32::test {
namespace {

using regs::Err;
using regs::Mode;

constexpr std::uint64_t kMemory = limits::kMemoryMin;
constexpr std::uint64_t kTop = std::uint64_t{1} << 32U;

/// The rules of one channel, without a card.
struct RulesUnderTest {
  explicit RulesUnderTest(const Profile& profile_ = regs::kProfiles.front()) : profile(profile_) {}

  RulesUnderTest& with(Err code, Mode mode) {
    profile.modes[static_cast<std::size_t>(code)] = mode;
    return *this;
  }
  /// What was recorded, in order.
  std::vector<std::string_view> recorded() const {
    std::vector<std::string_view> names;
    for (const Violation& violation : log.violations) {
      names.push_back(violation.rule);
    }
    return names;
  }
  Err examine(const Prd& prd, const Position& position = {}) {
    return code(rules.examine(setup, prd, position, region));
  }
  Err examine_setup() { return code(rules.examine_setup(setup)); }
  Err locate(std::uint64_t index) {
    at = {.index = index};
    return code(rules.locate(setup, at));
  }
  Err examine_end(const Prd& prd, const Position& position) {
    return code(rules.examine_end(setup, prd, position, next));
  }
  static Err code(const std::optional<Fault>& fault) { return fault.value_or(Fault{}).code; }

  Profile profile;
  RegisterFile registers;
  RecordingLog log;
  Breaches breaches{0, profile, registers, log};
  Rules rules{0, profile, kMemory, breaches};
  Setup setup;
  Position at;
  Region region;
  Next next = Next::kDescriptor;
};

using Names = std::vector<std::string_view>;

// ---- the setup

TEST(Rules, TableIsAligned) {
  for (unsigned log2 : {16U, 2U}) {
    RulesUnderTest t;
    t.profile.prdt_align_log2 = log2;
    for (const std::uint64_t good : {std::uint64_t{0}, kTop - 0x10000}) {
      t.setup.table = good;
      EXPECT_EQ(t.examine_setup(), Err::kNone);
    }
    for (std::uint64_t bit = 1; bit < std::uint64_t{1} << log2; bit <<= 1U) {
      t.setup.table = 0x10000 + bit;
      EXPECT_EQ(t.examine_setup(), Err::kPrdtAlign) << bit;
    }
  }
}

TEST(Rules, TableAlignmentSwitched) {
  for (const auto& [mode, table] : {std::pair{Mode::kSilicon, 0x10000U}, {Mode::kIgnore, 0x1fffcU}}) {
    RulesUnderTest t;
    t.with(Err::kPrdtAlign, mode).setup.table = 0x1fffc;
    EXPECT_EQ(t.examine_setup(), Err::kNone);
    EXPECT_EQ(t.setup.table, table);
    EXPECT_EQ(t.recorded(), Names{"prdt-align-64k"});
    EXPECT_EQ(t.log.violations[0].severity, severity::kWarning);
    EXPECT_EQ(t.log.violations[0].address, 0x1fffcU);
  }
  RulesUnderTest t;
  t.with(Err::kPrdtAlign, Mode::kOff).setup.table = 0x1fffc;
  EXPECT_EQ(t.examine_setup(), Err::kNone);
  EXPECT_EQ(t.setup.table, 0x1fffcU);
  EXPECT_EQ(t.recorded(), Names{});
}

TEST(Rules, ToldEntriesMayBeAsManyAsAllowed) {
  RulesUnderTest t;
  t.setup.entries = limits::kPrdtMaxEntries;
  EXPECT_EQ(t.examine_setup(), Err::kNone);
  t.setup.entries = limits::kPrdtMaxEntries + 3;
  EXPECT_EQ(t.examine_setup(), Err::kPrdtEntries);
  EXPECT_EQ(t.with(Err::kPrdtEntries, Mode::kIgnore).examine_setup(), Err::kNone);
  EXPECT_EQ(t.setup.entries, limits::kPrdtMaxEntries + 3);
  EXPECT_EQ(t.with(Err::kPrdtEntries, Mode::kSilicon).examine_setup(), Err::kNone);
  EXPECT_EQ(t.setup.entries, 3U);
}

TEST(Rules, StatusBlockIsAligned) {
  RulesUnderTest t;
  t.setup.writeback = 0x1008;
  EXPECT_EQ(t.examine_setup(), Err::kNone) << "nobody writes it";
  t.setup.write_back = true;
  EXPECT_EQ(t.examine_setup(), Err::kWritebackAlign);
  EXPECT_FALSE(t.setup.write_back) << "there is no place for the block";
  t.setup.write_back = true;
  EXPECT_EQ(t.with(Err::kWritebackAlign, Mode::kIgnore).examine_setup(), Err::kNone);
  EXPECT_EQ(t.setup.writeback, 0x1008U);
  EXPECT_EQ(t.with(Err::kWritebackAlign, Mode::kSilicon).examine_setup(), Err::kNone);
  EXPECT_EQ(t.setup.writeback, 0x1000U);
  EXPECT_TRUE(t.setup.write_back);
}

TEST(Rules, EndpointsGoInTheirDirections) {
  using regs::Endpoint;
  for (const Endpoint endpoint : {Endpoint::kMemory, Endpoint::kPattern, Endpoint::kChecksum, Endpoint::kLoopback}) {
    for (const bool to_host : {false, true}) {
      RulesUnderTest t;
      t.setup.endpoint = endpoint;
      t.setup.to_host = to_host;
      const bool wrong = to_host ? endpoint == Endpoint::kChecksum : endpoint == Endpoint::kPattern;
      EXPECT_EQ(t.examine_setup(), wrong ? Err::kEndpointDirection : Err::kNone);
      EXPECT_EQ(t.with(Err::kEndpointDirection, Mode::kSilicon).examine_setup(), Err::kNone);
      EXPECT_EQ(t.setup.endpoint_missing, wrong);
    }
  }
}

// ---- where descriptors lie

TEST(Rules, DescriptorsLieBehindOneAnother) {
  RulesUnderTest t;
  t.setup.table = 0x30000;
  EXPECT_EQ(t.locate(0), Err::kNone);
  EXPECT_EQ(t.at.descriptor, 0x30000U);
  EXPECT_EQ(t.locate(limits::kPrdtMaxEntries - 1), Err::kNone);
  EXPECT_EQ(t.at.descriptor, 0x30000U + (limits::kPrdtMaxEntries - 1) * prd::kBytes);
}

TEST(Rules, MoreDescriptorsThanAllowed) {
  RulesUnderTest t;
  t.profile.entries_log2 = 3;
  EXPECT_EQ(t.locate(7), Err::kNone);
  EXPECT_EQ(t.locate(8), Err::kPrdtEntries);
  t.log.violations.clear();
  t.with(Err::kPrdtEntries, Mode::kIgnore);
  EXPECT_EQ(t.locate(8), Err::kNone);
  EXPECT_EQ(t.at.descriptor, 64U);
  EXPECT_EQ(t.locate(16), Err::kNone);
  EXPECT_EQ(t.recorded(), Names{"prdt-entries"}) << "once";
  t.log.violations.clear();
  t.with(Err::kPrdtEntries, Mode::kSilicon);
  EXPECT_EQ(t.locate(8), Err::kNone);
  EXPECT_EQ(t.at.descriptor, 0U) << "the index counter is three bits wide";
  EXPECT_EQ(t.locate(19), Err::kNone);
  EXPECT_EQ(t.at.descriptor, 24U);
  EXPECT_EQ(t.locate(16), Err::kNone);
  EXPECT_EQ(t.recorded(), (Names{"prdt-entries", "prdt-entries"})) << "each time around";
}

TEST(Rules, TableMayEndAtButNotCrossA64KiBBoundary) {
  RulesUnderTest t;
  t.setup.table = 0x1fff0;
  EXPECT_EQ(t.locate(1), Err::kNone);
  EXPECT_EQ(t.locate(2), Err::kPrdtCross);
  EXPECT_EQ(t.with(Err::kPrdtCross, Mode::kIgnore).locate(2), Err::kNone);
  EXPECT_EQ(t.at.descriptor, 0x20000U);
  EXPECT_EQ(t.with(Err::kPrdtCross, Mode::kSilicon).locate(2), Err::kNone);
  EXPECT_EQ(t.at.descriptor, 0x10000U) << "the address counter is 16 bits wide";
  t.setup.table = kTop - 8;
  EXPECT_EQ(t.with(Err::kPrdtCross, Mode::kOff).locate(1), Err::kNone);
  EXPECT_EQ(t.at.descriptor, 0U);
}

// ---- a descriptor

TEST(Rules, EveryReservedBitMustBeZero) {
  RulesUnderTest t;
  for (unsigned bit = 0; bit < 14; ++bit) {
    EXPECT_EQ(t.examine({.base = 0, .bytes = 4, .reserved = std::uint64_t{1} << bit}), Err::kPrdReserved) << bit;
  }
  EXPECT_EQ(t.examine({.base = 0, .bytes = 4}), Err::kNone);
  EXPECT_EQ(t.examine({.base = 0, .bytes = 4, .mark = true}), Err::kPrdReserved);
  t.setup.cyclic = true;
  EXPECT_EQ(t.examine({.base = 0, .bytes = 4, .mark = true}), Err::kNone);
  EXPECT_EQ(t.with(Err::kPrdReserved, Mode::kIgnore).examine({.bytes = 4, .reserved = 1}), Err::kNone);
}

TEST(Rules, BaseAndCountAreMultiplesOfTheGranule) {
  RulesUnderTest t;
  EXPECT_EQ(t.examine({.base = 1, .bytes = 1}), Err::kNone);
  t.profile.granule_log2 = 2;
  EXPECT_EQ(t.examine({.base = 4, .bytes = 4}), Err::kNone);
  EXPECT_EQ(t.examine({.base = 2, .bytes = 4}), Err::kPrdBaseAlign);
  EXPECT_EQ(t.examine({.base = 4, .bytes = 2}), Err::kPrdCountAlign);
  EXPECT_EQ(t.examine({.base = 4, .bytes = 5}), Err::kPrdCountAlign);
  EXPECT_EQ(t.examine({.base = 5, .bytes = 5}), Err::kPrdBaseAlign) << "the first one";
}

TEST(Rules, GranuleSwitched) {
  RulesUnderTest t;
  t.profile.granule_log2 = 2;
  t.with(Err::kPrdBaseAlign, Mode::kIgnore).with(Err::kPrdCountAlign, Mode::kIgnore);
  EXPECT_EQ(t.examine({.base = 7, .bytes = 5}), Err::kNone);
  EXPECT_EQ(std::pair(t.region.base, t.region.bytes), (std::pair<std::uint64_t, std::uint64_t>(7, 5)));
  EXPECT_EQ(t.recorded(), (Names{"prd-base-align", "prd-count-align"}));
  t.with(Err::kPrdBaseAlign, Mode::kSilicon).with(Err::kPrdCountAlign, Mode::kSilicon);
  EXPECT_EQ(t.examine({.base = 7, .bytes = 5}), Err::kNone);
  EXPECT_EQ(std::pair(t.region.base, t.region.bytes), (std::pair<std::uint64_t, std::uint64_t>(4, 4)));
  EXPECT_EQ(t.examine({.base = 0, .bytes = 3}), Err::kNone);
  EXPECT_EQ(t.region.bytes, limits::kPrdMaxBytes) << "a count of 0 is 64 KiB, also one that the chip made";
}

TEST(Rules, CountZeroIs64KiBUnlessTheCardIsDumb) {
  const Prd whole{.base = 0, .bytes = limits::kPrdMaxBytes};
  RulesUnderTest t;
  EXPECT_EQ(t.examine(whole), Err::kNone);
  EXPECT_EQ(t.region.bytes, limits::kPrdMaxBytes);
  EXPECT_EQ(t.recorded(), Names{});
  EXPECT_EQ(t.with(Err::kPrdZero, Mode::kError).examine(whole), Err::kPrdZero);
  EXPECT_EQ(t.examine({.base = 0, .bytes = limits::kPrdMaxBytes - 1}), Err::kNone);
  EXPECT_EQ(t.with(Err::kPrdZero, Mode::kIgnore).examine(whole), Err::kNone);
  EXPECT_EQ(t.region.bytes, limits::kPrdMaxBytes);
  EXPECT_EQ(t.with(Err::kPrdZero, Mode::kSilicon).examine(whole), Err::kNone);
  EXPECT_EQ(t.region.bytes, 0U);
}

TEST(Rules, RegionMayEndAtButNotPast4GiB) {
  RulesUnderTest t;
  EXPECT_EQ(t.examine({.base = kTop - 0x10000, .bytes = 0x10000}), Err::kNone);
  EXPECT_EQ(t.examine({.base = kTop - 1, .bytes = 1}), Err::kNone);
  EXPECT_EQ(t.examine({.base = kTop - 1, .bytes = 2}), Err::kPrdWrap);
  EXPECT_EQ(t.examine({.base = kTop - 0xffff, .bytes = 0x10000}), Err::kPrdWrap);
}

TEST(Rules, RegionMayEndAtButNotCrossA64KiBBoundary) {
  RulesUnderTest t;
  EXPECT_EQ(t.examine({.base = 0x20000, .bytes = 0x10000}), Err::kNone);
  EXPECT_EQ(t.examine({.base = 0x2fffe, .bytes = 2}), Err::kNone);
  EXPECT_EQ(t.examine({.base = 0x2fffe, .bytes = 3}), Err::kPrdCross);
  EXPECT_EQ(t.examine({.base = 0x20001, .bytes = 0x10000}), Err::kPrdCross);
}

/// Where the rest of a region of 8 bytes lies, 3 bytes behind whose start a boundary is; 5 when it goes on there.
struct Rest {
  Mode wrap;
  Mode cross;
  std::uint64_t head;
  std::uint64_t rest_base;
};

TEST(Rules, BoundariesSwitched) {
  for (const Rest& want : {Rest{Mode::kError, Mode::kSilicon, 3, 0x20000}, Rest{Mode::kError, Mode::kIgnore, 8, 0},
                           Rest{Mode::kError, Mode::kOff, 8, 0}}) {
    RulesUnderTest t;
    t.with(Err::kPrdCross, want.cross);
    EXPECT_EQ(t.examine({.base = 0x2fffd, .bytes = 8}), Err::kNone);
    EXPECT_EQ(t.region.head, want.head);
    EXPECT_TRUE(want.head == 8 || t.region.rest_base == want.rest_base);
  }
  for (const Rest& want :
       {Rest{Mode::kSilicon, Mode::kIgnore, 3, 0}, Rest{Mode::kIgnore, Mode::kIgnore, 8, 0},
        Rest{Mode::kSilicon, Mode::kSilicon, 3, kTop - 0x10000}, Rest{Mode::kOff, Mode::kSilicon, 3, kTop - 0x10000}}) {
    RulesUnderTest t;
    t.with(Err::kPrdWrap, want.wrap).with(Err::kPrdCross, want.cross);
    EXPECT_EQ(t.examine({.base = kTop - 3, .bytes = 8}), Err::kNone);
    EXPECT_EQ(t.region.head, want.head);
    EXPECT_TRUE(want.head == 8 || t.region.rest_base == want.rest_base);
    EXPECT_EQ(t.recorded(), want.wrap == Mode::kOff ? Names{"prd-cross-64k"} : (Names{"prd-wrap-4g", "prd-cross-64k"}));
  }
}

TEST(Rules, TableMayDescribeLengthButNotMore) {
  RulesUnderTest t;
  t.setup.length = 1000;
  EXPECT_EQ(t.examine({.base = 0, .bytes = 100}, {.moved = 900}), Err::kNone);
  EXPECT_EQ(t.examine({.base = 0, .bytes = 101}, {.moved = 900}), Err::kLengthLong);
  EXPECT_EQ(t.with(Err::kLengthLong, Mode::kSilicon).examine({.base = 0, .bytes = 101}, {.moved = 900}), Err::kNone);
  EXPECT_EQ(t.region.bytes, 101U);
  EXPECT_FALSE(t.region.last);
  EXPECT_EQ(t.with(Err::kLengthLong, Mode::kIgnore).examine({.base = 0, .bytes = 101}, {.moved = 900}), Err::kNone);
  EXPECT_EQ(std::pair(t.region.bytes, t.region.head), (std::pair<std::uint64_t, std::uint64_t>(100, 100)));
  EXPECT_TRUE(t.region.last);
  EXPECT_EQ(t.examine({.base = 0, .bytes = 1}, {.moved = 1000}), Err::kNone);
  EXPECT_EQ(t.region.bytes, 0U);
  EXPECT_TRUE(t.region.last);
  t.setup.length = 0;
  EXPECT_EQ(t.with(Err::kLengthLong, Mode::kError).examine({.base = 0, .bytes = 0x10000}), Err::kNone);
}

TEST(Rules, RegionMayEndAtButNotPastTheCardMemory) {
  RulesUnderTest t;
  t.setup.card_offset = kMemory - 32;
  EXPECT_EQ(t.examine({.base = 0, .bytes = 16}, {.moved = 16}), Err::kNone);
  EXPECT_EQ(t.examine({.base = 0, .bytes = 17}, {.moved = 16}), Err::kCardRange);
  EXPECT_EQ(t.log.violations[0].address, kMemory - 16);
  t.setup.card_offset = kTop - 1;
  EXPECT_EQ(t.examine({.base = 0, .bytes = 1}), Err::kCardRange);
  EXPECT_EQ(t.with(Err::kCardRange, Mode::kIgnore).examine({.base = 0, .bytes = 1}), Err::kNone);
  t.with(Err::kCardRange, Mode::kError).setup.endpoint = regs::Endpoint::kPattern;
  EXPECT_EQ(t.examine({.base = 0, .bytes = 1}), Err::kNone) << "the pattern does not come from card memory";
}

TEST(Rules, TheFirstBrokenRuleIsReported) {
  RulesUnderTest t;
  t.profile.granule_log2 = 2;
  t.setup = {.card_offset = kMemory, .length = 1};
  Prd prd{.base = kTop - 3, .bytes = 7, .reserved = 1};
  EXPECT_EQ(t.examine(prd), Err::kPrdReserved);
  prd.reserved = 0;
  EXPECT_EQ(t.examine(prd), Err::kPrdBaseAlign);
  prd.base = kTop - 4;
  EXPECT_EQ(t.examine(prd), Err::kPrdCountAlign);
  prd.bytes = 8;
  EXPECT_EQ(t.examine(prd), Err::kPrdWrap);
  prd.base = 0xfffc;
  EXPECT_EQ(t.examine(prd), Err::kPrdCross);
  prd.base = 0;
  EXPECT_EQ(t.examine(prd), Err::kLengthLong);
  t.setup.length = 0;
  EXPECT_EQ(t.examine(prd), Err::kCardRange);
}

// ---- the end of a table

constexpr Prd kLast{.base = 0, .bytes = 1, .eot = true};
constexpr Prd kMore{.base = 0, .bytes = 1};

TEST(Rules, TableMustReachLength) {
  RulesUnderTest t;
  t.setup.length = 1000;
  EXPECT_EQ(t.examine_end(kLast, {.moved = 1000}), Err::kNone);
  EXPECT_EQ(t.next, Next::kEndOfTable);
  EXPECT_EQ(t.examine_end(kLast, {.moved = 999}), Err::kLengthShort);
  EXPECT_EQ(t.with(Err::kLengthShort, Mode::kIgnore).examine_end(kLast, {.moved = 999}), Err::kNone);
  t.with(Err::kLengthShort, Mode::kError).setup.length = 0;
  EXPECT_EQ(t.examine_end(kLast, {.moved = 1}), Err::kNone);
}

TEST(Rules, EotComesWhereEntriesSays) {
  RulesUnderTest t;
  t.setup.entries = 3;
  EXPECT_EQ(t.examine_end(kMore, {.index = 1}), Err::kNone);
  EXPECT_EQ(t.next, Next::kDescriptor);
  EXPECT_EQ(t.examine_end(kLast, {.index = 1}), Err::kPrdtEarlyEot);
  EXPECT_EQ(t.with(Err::kPrdtEarlyEot, Mode::kSilicon).examine_end(kLast, {.index = 1}), Err::kNone);
  EXPECT_EQ(t.examine_end(kLast, {.index = 2}), Err::kNone);
  EXPECT_EQ(t.examine_end(kMore, {.index = 2}), Err::kPrdtNoEot);
}

TEST(Rules, MissingEotSwitched) {
  RulesUnderTest t;
  t.profile.entries_log2 = 3;
  EXPECT_EQ(t.examine_end(kMore, {.index = 6}), Err::kNone);
  EXPECT_EQ(t.examine_end(kMore, {.index = 7}), Err::kPrdtNoEot);
  t.setup.length = 1000;
  EXPECT_EQ(t.with(Err::kPrdtNoEot, Mode::kIgnore).examine_end(kMore, {.index = 7, .moved = 1000}), Err::kNone);
  EXPECT_EQ(t.next, Next::kEndOfTable);
  EXPECT_EQ(t.examine_end(kMore, {.index = 7, .moved = 1}), Err::kLengthShort) << "as if EOT were set";
  t.with(Err::kPrdtNoEot, Mode::kSilicon);
  t.setup.entries = 3;
  t.log.violations.clear();
  for (std::uint64_t index = 2; index < 16; ++index) {
    EXPECT_EQ(t.examine_end(kMore, {.index = index}), Err::kNone) << index;
    EXPECT_EQ(t.next, Next::kDescriptor);
  }
  EXPECT_EQ(t.recorded(), (Names{"prdt-no-eot", "prdt-no-eot", "prdt-no-eot"})) << "after 3, 8 and 16";
}

TEST(Rules, TheCardGivesUpOnATableWithoutEnd) {
  RulesUnderTest t;
  t.profile.entries_log2 = 16;
  t.with(Err::kPrdtNoEot, Mode::kSilicon).with(Err::kPrdtEntries, Mode::kOff);
  EXPECT_EQ(t.examine_end(kMore, {.index = limits::kPrdtLastResort - 2}), Err::kNone);
  EXPECT_EQ(t.examine_end(kMore, {.index = limits::kPrdtLastResort - 1}), Err::kPrdtEntries);
  EXPECT_EQ(t.log.violations.back().severity, severity::kError);
}

// ---- what is kept of breaches

TEST(Breaches, TheFirstIsLatchedAndAllAreCounted) {
  RulesUnderTest t;
  t.breaches.force({.code = Err::kPrdCross, .prd_index = 7, .address = 0x1234}, "first");
  t.breaches.force({.code = Err::kPrdWrap, .prd_index = 8, .address = 1}, "second");
  const std::uint32_t latched = t.registers.get(regs::Breach::at(0));
  EXPECT_EQ(regs::field_get(regs::Breach::kCode, latched), static_cast<std::uint32_t>(Err::kPrdCross));
  EXPECT_EQ(regs::field_get(regs::Breach::kCount, latched), 2U);
  EXPECT_EQ(t.registers.get(regs::BreachIndex::at(0)), 7U);
  EXPECT_EQ(t.registers.get(regs::BreachAddr::at(0)), 0x1234U);
  for (unsigned i = 0; i < 0x10000; ++i) {
    t.breaches.force({.code = Err::kPrdWrap}, "more");
  }
  EXPECT_EQ(regs::field_get(regs::Breach::kCount, t.registers.get(regs::Breach::at(0))), 0xffffU);
}

}  // namespace
}  // namespace prd32::test
