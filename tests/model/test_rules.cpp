// SPDX-License-Identifier: Apache-2.0
// Each rule at its edge: the last value that keeps it and the first that breaks it. That the card stops and reports is
// test_faults.cpp's.
#include <gtest/gtest.h>

#include "prd32/rules.hpp"

namespace prd32 {
namespace {

using regs::Err;

constexpr std::uint64_t kMemory = limits::kMemoryMin;
constexpr std::uint64_t kTop = std::uint64_t{1} << 32U;

Err table(std::uint64_t prdt) {
  return Rules::check_table(prdt).value_or(Fault{}).code;
}

Err check(const Prd& prd, const Position& at = {}, unsigned granule_log2 = 0) {
  return Rules(granule_log2, kMemory).check_prd(prd, at).value_or(Fault{}).code;
}

TEST(Rules, TableIsAlignedTo64KiB) {
  EXPECT_EQ(table(0), Err::kNone);
  EXPECT_EQ(table(kTop - limits::kPrdtAlign), Err::kNone);
  for (std::uint64_t bit = 1; bit < limits::kPrdtAlign; bit <<= 1U) {
    EXPECT_EQ(table(0x10000 + bit), Err::kPrdtAlign) << bit;
  }
}

TEST(Rules, EveryReservedBitMustBeZero) {
  for (unsigned bit = 0; bit < 15; ++bit) {
    EXPECT_EQ(check({.base = 0, .bytes = 4, .reserved = std::uint64_t{1} << bit}), Err::kPrdReserved) << bit;
  }
  EXPECT_EQ(check({.base = 0, .bytes = 4}), Err::kNone);
}

TEST(Rules, BaseAndCountAreMultiplesOfTheGranule) {
  EXPECT_EQ(check({.base = 4, .bytes = 4}, {}, 2), Err::kNone);
  EXPECT_EQ(check({.base = 2, .bytes = 4}, {}, 2), Err::kPrdAlign);
  EXPECT_EQ(check({.base = 4, .bytes = 2}, {}, 2), Err::kPrdAlign);
  EXPECT_EQ(check({.base = 4, .bytes = 5}, {}, 2), Err::kPrdAlign);
  EXPECT_EQ(check({.base = 1, .bytes = 1}, {}, 0), Err::kNone);
}

TEST(Rules, RegionMayEndAtButNotPast4GiB) {
  EXPECT_EQ(check({.base = kTop - 0x10000, .bytes = 0x10000}), Err::kNone);
  EXPECT_EQ(check({.base = kTop - 1, .bytes = 1}), Err::kNone);
  EXPECT_EQ(check({.base = kTop - 1, .bytes = 2}), Err::kPrdWrap);
  EXPECT_EQ(check({.base = kTop - 0xffff, .bytes = 0x10000}), Err::kPrdWrap);
}

TEST(Rules, RegionMayEndAtButNotCrossA64KiBBoundary) {
  EXPECT_EQ(check({.base = 0x20000, .bytes = 0x10000}), Err::kNone);
  EXPECT_EQ(check({.base = 0x2fffe, .bytes = 2}), Err::kNone);
  EXPECT_EQ(check({.base = 0x2fffe, .bytes = 3}), Err::kPrdCross);
  EXPECT_EQ(check({.base = 0x20001, .bytes = 0x10000}), Err::kPrdCross);
}

TEST(Rules, TableMayDescribeLengthButNotMore) {
  EXPECT_EQ(check({.base = 0, .bytes = 100}, {.moved = 900, .length = 1000}), Err::kNone);
  EXPECT_EQ(check({.base = 0, .bytes = 101}, {.moved = 900, .length = 1000}), Err::kLengthLong);
  EXPECT_EQ(check({.base = 0, .bytes = 0x10000}, {.moved = 0, .length = 0}), Err::kNone);
}

TEST(Rules, RegionMayEndAtButNotPastTheCardMemory) {
  EXPECT_EQ(check({.base = 0, .bytes = 16}, {.card_offset = kMemory - 16}), Err::kNone);
  EXPECT_EQ(check({.base = 0, .bytes = 17}, {.card_offset = kMemory - 16}), Err::kCardRange);
  EXPECT_EQ(check({.base = 0, .bytes = 1}, {.card_offset = kMemory}), Err::kCardRange);
  EXPECT_EQ(check({.base = 0, .bytes = 1}, {.card_offset = kTop - 1}), Err::kCardRange);
}

TEST(Rules, TableMustReachLength) {
  EXPECT_FALSE(Rules::check_end({.moved = 1000, .length = 1000}));
  EXPECT_FALSE(Rules::check_end({.moved = 1000, .length = 0}));
  EXPECT_EQ(Rules::check_end({.moved = 999, .length = 1000}).value_or(Fault{}).code, Err::kLengthShort);
}

TEST(Rules, TheFirstBrokenRuleIsReported) {
  const Position at{.card_offset = kMemory, .moved = 10, .length = 11};
  Prd prd{.base = kTop - 1, .bytes = 7, .reserved = 1};  // breaks every rule at once; cured one by one
  EXPECT_EQ(check(prd, at, 2), Err::kPrdReserved);
  prd.reserved = 0;
  EXPECT_EQ(check(prd, at, 2), Err::kPrdAlign);
  EXPECT_EQ(check(prd, at, 0), Err::kPrdWrap);
  prd.base = 0x1ffff;
  EXPECT_EQ(check(prd, at, 0), Err::kPrdCross);
  prd.base = 0x10000;
  EXPECT_EQ(check(prd, at, 0), Err::kLengthLong);
  prd.bytes = 1;
  EXPECT_EQ(check(prd, at, 0), Err::kCardRange);
}

}  // namespace
}  // namespace prd32
