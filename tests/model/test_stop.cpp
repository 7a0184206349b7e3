// SPDX-License-Identifier: Apache-2.0
// Transfers that are ended from outside, or disturbed, while they run.
#include <algorithm>

#include "bench.hpp"

namespace prd32::test {
namespace {

using regs::Err;

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint32_t kData = 0x200000;
constexpr std::uint32_t kBytes = 0x10000;

/// A transfer of four regions of 64 KiB on channel 0, about 65 us each.
class RunningTest : public CardTest {
 protected:
  RunningTest() {
    std::vector<Prd> prds;
    for (std::uint32_t i = 0; i < 4; ++i) {
      prds.push_back({.base = kData + i * kBytes, .bytes = kBytes, .eot = i == 3});
    }
    b.put_table(kTable, prds);
    b.host.map(kData, 4 * kBytes);
    fill_host(0xaa);
    std::ranges::fill(b.card.memory().first(4 * kBytes), std::uint8_t{0});
    b.write(regs::IrqEnable::kOffset, ~0U);
  }

  std::uint64_t stops_before_ = b.card.statistics().stops;

  void fill_host(std::uint8_t value) { std::ranges::fill(b.host.at(kData, 4 * kBytes), value); }
  bool card_holds(std::uint32_t region, std::uint8_t value) {
    return std::ranges::all_of(b.card.memory().subspan(region * kBytes, kBytes),
                               [&](std::uint8_t byte) { return byte == value; });
  }
  void start(bool to_host = false) { b.start({.length = 4 * kBytes, .to_host = to_host}); }
  void run_until_prds(std::uint32_t count) {
    b.run_until([&] { return b.read(regs::Prds::at(0)) == count; }, "descriptors are done");
  }
  /// The next transaction for data waits inside the target.
  void hold_data() {
    b.host.hold = [](const FakeHost::Access& access) { return access.address >= kData; };
    b.run_until([&] { return b.host.held; }, "a transaction is held");
  }
  void release() {
    b.host.hold = nullptr;
    b.host.release.notify(sc_core::SC_ZERO_TIME);
    sc_core::sc_start(1, sc_core::SC_US);
  }
  void stop() { b.write(regs::BmCommand::at(0), 0, 1); }
  void expect_stopped_after(std::uint32_t prds) {
    EXPECT_EQ(b.read(regs::BmStatus::at(0), 1), 0U) << "not active, no interrupt, no error";
    EXPECT_EQ(b.read(regs::BmCommand::at(0), 1) & regs::BmCommand::kStart, 0U);
    EXPECT_EQ(b.read(regs::Prds::at(0)), prds);
    EXPECT_EQ(b.read(regs::Moved::at(0)), prds * kBytes);
    EXPECT_EQ(b.read(regs::Residual::at(0)), (4 - prds) * kBytes);
    EXPECT_EQ(b.read(regs::Error::at(0)), 0U);
    EXPECT_EQ(b.rises, std::vector<unsigned>(vectors::kCount));
    EXPECT_TRUE(b.log.violations.empty());
  }
};

TEST_F(RunningTest, StopEndsItAtOnceAndKeepsTheCount) {
  start();
  run_until_prds(2);
  const CardStatistics before = b.card.statistics();
  stop();
  expect_stopped_after(2);
  sc_core::sc_start(1, sc_core::SC_MS);
  expect_stopped_after(2);
  EXPECT_TRUE(card_holds(1, 0xaa));
  EXPECT_TRUE(card_holds(2, 0));
  EXPECT_EQ(b.card.statistics().stops, before.stops + 1);
  EXPECT_EQ(b.card.statistics().bytes_from_host, before.bytes_from_host);
}

TEST_F(RunningTest, StopBeforeTheEngineWokeFetchesNothing) {
  start();
  stop();
  sc_core::sc_start(1, sc_core::SC_MS);
  expect_stopped_after(0);
  EXPECT_TRUE(b.host.accesses.empty());
}

TEST_F(RunningTest, StopOfAnIdleChannelIsNothing) {
  const CardStatistics before = b.card.statistics();
  stop();
  sc_core::sc_start(1, sc_core::SC_US);
  EXPECT_EQ(b.card.statistics().stops, before.stops);
  EXPECT_EQ(b.read(regs::BmStatus::at(0), 1), 0U);
  EXPECT_TRUE(b.log.violations.empty());
}

TEST_F(RunningTest, StopWhileAReadIsInTheTargetLeavesCardMemoryAlone) {
  start();
  EXPECT_EQ(b.card.active_channels(), std::vector{0U});
  run_until_prds(1);
  hold_data();
  stop();
  EXPECT_TRUE(b.active(0)) << "the driver may not unmap what is being read";
  EXPECT_EQ(b.card.active_channels(), std::vector{0U});
  EXPECT_EQ(b.read(regs::BmCommand::at(0), 1) & regs::BmCommand::kStart, 0U);
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_TRUE(b.active(0));
  release();
  ASSERT_FALSE(b.host.held);
  EXPECT_TRUE(b.card.active_channels().empty());
  expect_stopped_after(1);
  EXPECT_TRUE(card_holds(1, 0));
}

/// The target took the bytes of card memory already, or will: host memory changes after the stop, but not after ACTIVE
/// has fallen.
TEST_F(RunningTest, StopWhileAWriteIsInTheTargetStaysActiveUntilItEnded) {
  std::ranges::fill(b.card.memory().first(4 * kBytes), std::uint8_t{0x55});
  const auto second = b.host.at(kData + kBytes, kBytes);
  start(true);
  run_until_prds(1);
  hold_data();
  stop();
  stop();
  EXPECT_TRUE(b.active(0));
  EXPECT_EQ(second.front(), 0xaa);
  release();
  expect_stopped_after(1);
  EXPECT_EQ(second.front(), 0x55);
  fill_host(0xaa);
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_TRUE(std::ranges::all_of(b.host.at(kData, 4 * kBytes), [](std::uint8_t byte) { return byte == 0xaa; }));
  EXPECT_EQ(b.card.statistics().stops, stops_before_ + 1);
}

TEST_F(RunningTest, StopDuringTheTimeThatATargetAsksFor) {
  b.host.latency = sc_core::sc_time(1, sc_core::SC_MS);
  start();
  run_until_prds(1);
  b.run_until([&] { return b.host.accesses.size() == 3; }, "the second region is on the bus");
  stop();
  EXPECT_TRUE(b.active(0));
  b.run_until_idle(0);
  expect_stopped_after(1);
  EXPECT_TRUE(card_holds(1, 0));
}

TEST_F(RunningTest, StopWhileARefusalIsInTheTargetReportsNoError) {
  start();
  run_until_prds(1);
  hold_data();
  stop();
  b.host.unmap(kData);
  release();
  expect_stopped_after(1);
}

TEST_F(RunningTest, StopWhileAFetchIsInTheTarget) {
  b.host.hold = [](const FakeHost::Access&) { return true; };
  start();
  b.run_until([&] { return b.host.held; }, "the fetch is held");
  stop();
  release();
  expect_stopped_after(0);
  EXPECT_EQ(b.host.accesses.size(), 1U);
}

TEST_F(RunningTest, StartAfterAStopIsIgnoredWhileTheOldTransactionIsStillOut) {
  start();
  run_until_prds(1);
  hold_data();
  stop();
  fill_host(0x77);
  b.write(regs::BmCommand::at(0), regs::BmCommand::kStart, 1);
  ASSERT_EQ(b.log.violations.size(), 1U);
  EXPECT_EQ(b.log.violations[0].rule, rule_of(regs::Err::kStartActive));
  b.log.violations.clear();
  release();
  expect_stopped_after(1);
  start();
  b.run_until_idle(0);
  for (std::uint32_t region = 0; region < 4; ++region) {
    EXPECT_TRUE(card_holds(region, 0x77)) << region;
  }
  EXPECT_EQ(b.rises[vectors::kCh0], 1U);
}

TEST_F(RunningTest, StartAfterAResetBeginsAnewAlsoWhenTheOldTransactionIsStillOut) {
  start();
  run_until_prds(1);
  hold_data();
  b.card.reset();
  EXPECT_FALSE(b.active(0));
  fill_host(0x77);
  b.write(regs::IrqEnable::kOffset, ~0U);
  start();
  EXPECT_TRUE(b.active(0));
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_EQ(b.read(regs::Moved::at(0)), 0U);
  release();
  EXPECT_LT(b.read(regs::Moved::at(0)), 4 * kBytes);
  b.run_until_idle(0);
  EXPECT_EQ(b.read(regs::Moved::at(0)), 4 * kBytes);
  EXPECT_EQ(b.read(regs::Prds::at(0)), 4U);
  for (std::uint32_t region = 0; region < 4; ++region) {
    EXPECT_TRUE(card_holds(region, 0x77)) << region;
  }
  EXPECT_EQ(b.rises[vectors::kCh0], 1U);
}

TEST_F(RunningTest, StopAndStartAtTheSameTime) {
  start();
  run_until_prds(1);
  stop();
  start();
  b.run_until_idle(0);
  EXPECT_EQ(b.read(regs::Prds::at(0)), 4U);
  EXPECT_EQ(b.rises[vectors::kCh0], 1U);
}

TEST_F(RunningTest, ResetEndsItAndKeepsCardMemory) {
  start();
  run_until_prds(2);
  b.card.reset();
  for (const regs::Register& reg : regs::kTable) {
    EXPECT_EQ(b.read_register(reg), reg.reset) << reg.name;
  }
  sc_core::sc_start(1, sc_core::SC_MS);
  for (const regs::Register& reg : regs::kTable) {
    EXPECT_EQ(b.read_register(reg), reg.reset) << reg.name << " later";
  }
  EXPECT_TRUE(card_holds(1, 0xaa));
  EXPECT_TRUE(card_holds(2, 0));
  EXPECT_EQ(b.rises, std::vector<unsigned>(vectors::kCount));
}

TEST_F(RunningTest, ResetWhileATransactionIsInTheTarget) {
  for (const bool to_host : {false, true}) {
    start(to_host);
    hold_data();
    b.card.reset();
    release();
    for (const regs::Register& reg : regs::kTable) {
      EXPECT_EQ(b.read_register(reg), reg.reset) << reg.name;
    }
    EXPECT_TRUE(card_holds(0, 0));
    fill_host(0x33);
    start();
    b.run_until_idle(0);
    EXPECT_EQ(b.read(regs::Moved::at(0)), 4 * kBytes);
    EXPECT_TRUE(card_holds(3, 0x33));
    b.card.reset();
    std::ranges::fill(b.card.memory().first(4 * kBytes), std::uint8_t{0});
  }
}

TEST_F(RunningTest, MmioIsServedWhileATransactionIsInTheTarget) {
  start();
  hold_data();
  b.write(regs::Scratch::kOffset, 0x12345678);
  EXPECT_EQ(b.read(regs::Scratch::kOffset), 0x12345678U);
  EXPECT_TRUE(b.active(0));
  release();
  b.run_until_idle(0);
  EXPECT_EQ(b.read(regs::Moved::at(0)), 4 * kBytes);
}

TEST_F(RunningTest, StartWhileActiveIsIgnoredAndRecorded) {
  start();
  run_until_prds(1);
  b.write(regs::BmCommand::at(0), regs::BmCommand::kStart | regs::BmCommand::kToHost, 1);
  EXPECT_EQ(b.read(regs::BmCommand::at(0), 1), regs::BmCommand::kStart) << "the direction is kept too";
  ASSERT_EQ(b.log.violations.size(), 1U);
  EXPECT_EQ(b.log.violations[0].rule, rule_of(regs::Err::kStartActive));
  EXPECT_EQ(b.log.violations[0].severity, severity::kWarning);
  EXPECT_EQ(b.log.violations[0].channel, 0);
  EXPECT_EQ(b.log.violations[0].prd_index, -1);
  EXPECT_EQ(b.log.violations[0].address, regs::BmCommand::at(0));
  b.run_until_idle(0);
  EXPECT_EQ(b.read(regs::Prds::at(0)), 4U);
  EXPECT_TRUE(card_holds(3, 0xaa));
}

TEST_F(RunningTest, SetupRegistersAreLockedWhileActive) {
  const std::vector<std::tuple<std::uint32_t, std::uint32_t, std::string_view>> locked{
      {regs::BmPrdt::at(0), regs::BmPrdt::at(1), rule_of(regs::Err::kPrdtActive)},
      {regs::CardAddr::at(0), regs::CardAddr::at(1), rule_of(regs::Err::kCardAddrActive)},
      {regs::Length::at(0), regs::Length::at(1), rule_of(regs::Err::kLengthActive)}};
  start();
  for (const auto& [offset, other, rule] : locked) {
    for (const unsigned bytes : {1U, 2U, 4U}) {
      const std::uint32_t before = b.read(offset);
      b.log.violations.clear();
      b.write(offset, 0x04030201, bytes);
      EXPECT_EQ(b.read(offset), before);
      ASSERT_EQ(b.log.violations.size(), 1U);
      EXPECT_EQ(b.log.violations[0].rule, rule);
      EXPECT_EQ(b.log.violations[0].severity, severity::kWarning);
      EXPECT_EQ(b.log.violations[0].address, offset);
    }
    b.log.violations.clear();
    b.write(other, 0x04030201);
    EXPECT_EQ(b.read(other), 0x04030201U) << "the idle channel's register is free";
    EXPECT_TRUE(b.log.violations.empty());
  }
  b.run_until_idle(0);
  EXPECT_EQ(b.read(regs::Error::at(0)), 0U);
  EXPECT_EQ(b.read(regs::Moved::at(0)), 4 * kBytes);
  b.write(regs::BmPrdt::at(0), 0x04030201);
  EXPECT_EQ(b.read(regs::BmPrdt::at(0)), 0x04030201U) << "free again";
}

TEST_F(RunningTest, ChangingTheTableOfARunningTransferEndsIt) {
  start();
  run_until_prds(1);
  std::ranges::fill(b.host.at(kTable, prd::kBytes), std::uint8_t{0xff});
  run_until_prds(2);
  std::ranges::fill(b.host.at(kTable, 64), std::uint8_t{0xff});
  b.run_until_idle(0);
  EXPECT_EQ(b.read(regs::Error::at(0)), static_cast<std::uint32_t>(Err::kPrdtEdited));
  EXPECT_EQ(b.read(regs::ErrorIndex::at(0)), 3U) << "the others had had their turns";
}

}  // namespace
}  // namespace prd32::test
