// SPDX-License-Identifier: Apache-2.0
#include "fault_rules.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace prd32 {
namespace {

using enum TransactionKind;

constexpr unsigned kChannels = 2;
constexpr unsigned kVectors = 3;

Transaction write_at(std::uint64_t address, std::uint64_t bytes = 0x1000, int channel = 0, std::int64_t index = 0) {
  return {
      .kind = kDmaWrite, .channel = channel, .prd_index = index, .prd_last = index, .address = address, .bytes = bytes};
}

FaultRule dropping(std::uint64_t count = 0) {
  FaultRule rule{.fault = FaultKind::kDrop, .on = TransactionKinds(kDmaWrite)};
  rule.count = count;
  return rule;
}

/// For which of so many transactions the rule fires.
std::vector<unsigned> fates(const FaultRule& rule, unsigned transactions) {
  FaultRules rules;
  EXPECT_TRUE(rules.add(rule));
  std::vector<unsigned> fired;
  for (unsigned i = 0; i < transactions; ++i) {
    if (!rules.decide(write_at(0)).empty()) {
      fired.push_back(i);
    }
  }
  EXPECT_EQ(rules.entries()[0].matched, transactions);
  EXPECT_EQ(rules.entries()[0].fired, fired.size());
  return fired;
}

TEST(FaultRuleTest, MatchesWhatItNames) {
  FaultRule rule = dropping();
  EXPECT_TRUE(rule.matches(write_at(0)));
  EXPECT_FALSE(rule.matches({.kind = kDmaRead}));
  rule.channel = 1;
  EXPECT_FALSE(rule.matches(write_at(0, 8, 0)));
  EXPECT_TRUE(rule.matches(write_at(0, 8, 1)));
  EXPECT_FALSE(rule.matches(write_at(0, 8, -1))) << "nobody's transaction is not channel 1's";
}

TEST(FaultRuleTest, AddressesThatTouch) {
  FaultRule rule = dropping();
  rule.addresses = {0x1000, 0x1fff};
  EXPECT_TRUE(rule.matches(write_at(0x1000)));
  EXPECT_TRUE(rule.matches(write_at(0x0001)));
  EXPECT_TRUE(rule.matches(write_at(0x1fff, 1)));
  EXPECT_TRUE(rule.matches(write_at(0x0000, 0x10000)));
  EXPECT_FALSE(rule.matches(write_at(0x0000)));
  EXPECT_FALSE(rule.matches(write_at(0x2000)));
  EXPECT_FALSE(rule.matches(write_at(0x1800, 0)));
  rule.addresses = {0, std::numeric_limits<std::uint64_t>::max()};
  EXPECT_TRUE(rule.matches(write_at(0xffffffff, 1)));
}

TEST(FaultRuleTest, DescriptorWithinABurst) {
  FaultRule rule{.fault = FaultKind::kAbort, .on = TransactionKinds(kTableFetch)};
  rule.prd_index = 5;
  Transaction burst{.kind = kTableFetch, .channel = 0, .prd_index = 4, .prd_last = 9, .bytes = 48};
  EXPECT_TRUE(rule.matches(burst));
  rule.prd_index = 10;
  EXPECT_FALSE(rule.matches(burst));
  rule.prd_index = 3;
  EXPECT_FALSE(rule.matches(burst));
  burst.prd_index = burst.prd_last = -1;
  rule.prd_index = std::numeric_limits<std::uint64_t>::max();
  EXPECT_FALSE(rule.matches(burst)) << "none is no index";
}

TEST(FaultRuleTest, OnceUnlessSaid) {
  EXPECT_EQ(fates(FaultRule{.fault = FaultKind::kDrop, .on = TransactionKinds(kDmaWrite)}, 5),
            (std::vector<unsigned>{0}));
  EXPECT_EQ(fates(dropping(3), 5), (std::vector<unsigned>{0, 1, 2}));
  EXPECT_EQ(fates(dropping(0), 5), (std::vector<unsigned>{0, 1, 2, 3, 4}));
}

TEST(FaultRuleTest, AfterAndEvery) {
  FaultRule rule = dropping();
  rule.after = 2;
  rule.every = 3;
  EXPECT_EQ(fates(rule, 12), (std::vector<unsigned>{2, 5, 8, 11}));
  rule.count = 2;
  EXPECT_EQ(fates(rule, 12), (std::vector<unsigned>{2, 5}));
}

TEST(FaultRuleTest, ChancesRepeatWithTheirSeed) {
  FaultRule rule = dropping();
  rule.probability = 0.25;
  rule.seed = 42;
  const std::vector<unsigned> first = fates(rule, 4000);
  EXPECT_EQ(first, fates(rule, 4000));
  EXPECT_GT(first.size(), 800U);
  EXPECT_LT(first.size(), 1200U);
  rule.seed = 43;
  EXPECT_NE(first, fates(rule, 4000));
  rule.probability = 1.0;
  EXPECT_EQ(fates(rule, 100).size(), 100U);
}

/// The same on every machine: a seed in a report is worth something.
TEST(FaultRuleTest, ChancesAreTheGeneratorsOwn) {
  FaultRule rule = dropping();
  rule.probability = 0.5;
  rule.seed = 1;
  std::mt19937_64 generator(1);
  std::vector<unsigned> expected;
  for (unsigned i = 0; i < 64; ++i) {
    if (generator() >> 63U == 0) {
      expected.push_back(i);
    }
  }
  EXPECT_EQ(fates(rule, 64), expected);
}

TEST(FaultRulesTest, FirstThatActsHasIt) {
  FaultRules rules;
  FaultRule watching{.fault = FaultKind::kSpurious, .on = TransactionKinds(kDmaWrite)};
  watching.count = 0;
  const auto watcher = rules.add(watching);
  const auto first = rules.add(dropping(1));
  const auto second = rules.add(dropping(1));
  const auto numbers = [&] {
    std::vector<unsigned> found;
    for (const auto& firing : rules.decide(write_at(0))) {
      found.push_back(firing.number);
    }
    return found;
  };
  EXPECT_EQ(numbers(), (std::vector<unsigned>{*watcher, *first}));
  EXPECT_EQ(rules.entries()[2].matched, 0U);
  EXPECT_EQ(numbers(), (std::vector<unsigned>{*watcher, *second}));
  EXPECT_EQ(numbers(), (std::vector<unsigned>{*watcher}));
}

TEST(FaultRulesTest, ShortOnesAreAskedForThemselves) {
  FaultRules rules;
  EXPECT_FALSE(rules.shorten());
  ASSERT_TRUE(rules.add({.fault = FaultKind::kShort, .on = TransactionKinds(kDmaWrite)}));
  EXPECT_TRUE(rules.shorten());
  EXPECT_FALSE(rules.look_at(kDmaKinds)) << "they need no transaction, so direct access may stay";
  EXPECT_TRUE(rules.decide(write_at(0)).empty());
  EXPECT_TRUE(rules.decide_short(write_at(0)));
  EXPECT_FALSE(rules.decide_short(write_at(0)));
}

TEST(FaultRulesTest, ComeAndGo) {
  FaultRules rules;
  EXPECT_EQ(rules.add(dropping()), 1U);
  EXPECT_EQ(rules.add(dropping()), 2U);
  EXPECT_TRUE(rules.remove(1));
  EXPECT_FALSE(rules.remove(1));
  EXPECT_TRUE(rules.look_at(kDmaKinds));
  EXPECT_FALSE(rules.look_at(kInterruptKinds));
  rules.clear();
  EXPECT_FALSE(rules.look_at(kDmaKinds));
  for (std::size_t i = 0; i < FaultRules::kMost; ++i) {
    ASSERT_TRUE(rules.add(dropping()));
  }
  EXPECT_FALSE(rules.add(dropping()));
}

TEST(FaultRuleRefusalTest, WhatCannotBe) {
  const auto refused = [](FaultRule rule, auto change) {
    change(rule);
    return refusal(rule, kChannels, kVectors).has_value();
  };
  const FaultRule good = dropping();
  EXPECT_FALSE(refused(good, [](FaultRule&) {}));
  EXPECT_TRUE(refused(good, [](FaultRule& rule) { rule.on = {}; }));
  EXPECT_TRUE(refused(good, [](FaultRule& rule) { rule.on.add(kDmaRead); })) << "a read cannot be dropped";
  EXPECT_TRUE(refused(good, [](FaultRule& rule) { rule.channel = kChannels; }));
  EXPECT_TRUE(refused(good, [](FaultRule& rule) { rule.vector = 0; }));
  EXPECT_TRUE(refused(good, [](FaultRule& rule) { rule.every = 0; }));
  EXPECT_TRUE(refused(good, [](FaultRule& rule) { rule.probability = 0.0; }));
  EXPECT_TRUE(refused(good, [](FaultRule& rule) { rule.probability = std::numeric_limits<double>::quiet_NaN(); }));
  EXPECT_TRUE(refused(good, [](FaultRule& rule) { rule.interrupt = kVectors; }));
  EXPECT_TRUE(refused(good, [](FaultRule& rule) { rule.addresses = {2, 1}; }));
}

}  // namespace
}  // namespace prd32
