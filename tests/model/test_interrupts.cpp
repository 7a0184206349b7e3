// SPDX-License-Identifier: Apache-2.0
// The interrupt lines: who drives them, when, and what holds at that moment.
#include <algorithm>

#include "bench.hpp"

namespace prd32::test {
namespace {

using regs::Err;

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint32_t kData = 0x200000;

class InterruptTest : public CardTest {
 protected:
  InterruptTest() {
    b.put_table(kTable, {{.base = kData, .bytes = 256, .eot = true}});
    b.host.map(kData, 256);
  }
  static void settle() { sc_core::sc_start(1, sc_core::SC_NS); }
  std::vector<bool> lines() {
    settle();
    std::vector<bool> levels;
    for (const auto& line : b.irq) {
      levels.push_back(line.read());
    }
    return levels;
  }
  static std::vector<bool> only(std::initializer_list<unsigned> vectors) {
    std::vector<bool> levels(vectors::kCount);
    for (const unsigned vector : vectors) {
      levels[vector] = true;
    }
    return levels;
  }
  Err succeed(unsigned channel) { return b.transfer({.channel = channel, .table = kTable}); }
  Err fail(unsigned channel) { return b.transfer({.channel = channel, .table = 1}); }
  void enable(std::uint32_t causes) { b.write(regs::IrqEnable::kOffset, causes); }
};

TEST_F(InterruptTest, NothingIsRaisedUnlessEnabled) {
  ASSERT_EQ(succeed(0), Err::kNone);
  ASSERT_EQ(fail(1), Err::kPrdtAlign);
  EXPECT_EQ(lines(), only({}));
  EXPECT_EQ(b.rises, std::vector<unsigned>(vectors::kCount));
}

TEST_F(InterruptTest, EachCauseDrivesItsVectorOnly) {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    b.reset();
    b.put_table(kTable, {{.base = kData, .bytes = 256, .eot = true}});
    b.host.map(kData, 256);
    enable(~0U);
    ASSERT_EQ(succeed(channel), Err::kNone);
    EXPECT_EQ(lines(), only({vectors::kCh0 + channel}));
    ASSERT_EQ(fail(channel), Err::kPrdtAlign);
    EXPECT_EQ(lines(), only({vectors::kCh0 + channel, vectors::kError}));
    enable(regs::IrqCause::kErr0 << channel);
    EXPECT_EQ(lines(), only({vectors::kError}));
    enable(regs::IrqCause::kCh0 << channel);
    EXPECT_EQ(lines(), only({vectors::kCh0 + channel}));
    enable(0);
    EXPECT_EQ(lines(), only({}));
  }
}

TEST_F(InterruptTest, EnablingAPendingCauseRaisesItsLine) {
  ASSERT_EQ(succeed(0), Err::kNone);
  ASSERT_EQ(lines(), only({}));
  enable(regs::IrqCause::kCh0);
  EXPECT_EQ(lines(), only({vectors::kCh0}));
}

TEST_F(InterruptTest, ClearingEitherAliasLowersTheLine) {
  enable(~0U);
  ASSERT_EQ(succeed(0), Err::kNone);
  b.write(regs::BmStatus::at(0), regs::BmStatus::kInterrupt, 1);
  EXPECT_EQ(lines(), only({}));
  ASSERT_EQ(succeed(0), Err::kNone);
  ASSERT_EQ(lines(), only({vectors::kCh0}));
  b.write(regs::IrqCause::kOffset, regs::IrqCause::kCh0);
  EXPECT_EQ(lines(), only({}));
  EXPECT_EQ(b.rises[vectors::kCh0], 2U);
}

TEST_F(InterruptTest, ErrorLineStaysUntilTheLastChannelsErrorIsCleared) {
  enable(~0U);
  ASSERT_EQ(fail(0), Err::kPrdtAlign);
  ASSERT_EQ(fail(1), Err::kPrdtAlign);
  b.write(regs::IrqCause::kOffset, regs::IrqCause::kErr0 | regs::IrqCause::kCh0 | regs::IrqCause::kCh1);
  EXPECT_EQ(lines(), only({vectors::kError}));
  b.write(regs::IrqCause::kOffset, regs::IrqCause::kErr1);
  EXPECT_EQ(lines(), only({}));
  EXPECT_EQ(b.rises[vectors::kError], 1U);
}

TEST_F(InterruptTest, ResetLowersEveryLine) {
  enable(~0U);
  ASSERT_EQ(fail(0), Err::kPrdtAlign);
  ASSERT_EQ(lines(), only({vectors::kCh0, vectors::kError}));
  b.card.reset();
  EXPECT_EQ(lines(), only({}));
}

TEST_F(InterruptTest, MemoryThenStatusThenLine) {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    enable(~0U);
    std::ranges::copy(pattern(256, channel), b.card.memory().begin());
    std::ranges::fill(b.host.at(kData, 256), std::uint8_t{0});
    unsigned seen = 0;
    b.on_rise = [&](unsigned vector) {
      ++seen;
      EXPECT_EQ(vector, vectors::kCh0 + channel);
      EXPECT_EQ(b.read(regs::BmStatus::at(channel), 1), regs::BmStatus::kInterrupt);
      EXPECT_EQ(b.read(regs::BmCommand::at(channel), 1) & regs::BmCommand::kStart, 0U);
      EXPECT_NE(b.read(regs::IrqCause::kOffset) & regs::IrqCause::kCh0 << channel, 0U);
      EXPECT_EQ(b.read(regs::Moved::at(channel)), 256U);
      EXPECT_TRUE(std::ranges::equal(b.host.at(kData, 256), pattern(256, channel)));
    };
    b.start({.channel = channel, .to_host = true});
    EXPECT_FALSE(b.irq[vectors::kCh0 + channel].read());
    b.run_until_idle(channel);
    settle();
    EXPECT_EQ(seen, 1U);
    b.write(regs::IrqCause::kOffset, ~0U);
    settle();
  }
}

TEST_F(InterruptTest, ErrorReportIsCompleteWhenTheLineRises) {
  enable(regs::IrqCause::kErr0);
  b.put_table(kTable, {{.base = kData, .bytes = 16}, {.base = kData, .bytes = 16, .reserved = 1}});
  bool seen = false;
  b.on_rise = [&](unsigned vector) {
    seen = true;
    EXPECT_EQ(vector, vectors::kError);
    EXPECT_EQ(b.read(regs::BmStatus::at(0), 1), regs::BmStatus::kInterrupt | regs::BmStatus::kError);
    EXPECT_EQ(static_cast<Err>(b.read(regs::Error::at(0))), Err::kPrdReserved);
    EXPECT_EQ(b.read(regs::ErrorIndex::at(0)), 1U);
    EXPECT_EQ(b.read(regs::ErrorAddr::at(0)), kTable + prd::kBytes);
    EXPECT_EQ(b.log.violations.size(), 1U);
  };
  ASSERT_EQ(b.transfer({}), Err::kPrdReserved);
  EXPECT_TRUE(seen);
}

TEST_F(InterruptTest, ClearingJustBeforeAStartThatFailsAtOnceGivesTwoEdges) {
  enable(~0U);
  ASSERT_EQ(fail(0), Err::kPrdtAlign);
  settle();
  ASSERT_EQ(b.rises[vectors::kError], 1U);
  b.write(regs::IrqCause::kOffset, ~0U);
  ASSERT_EQ(fail(0), Err::kPrdtAlign);  // no simulated time between the two writes
  settle();
  EXPECT_EQ(b.rises[vectors::kError], 2U);
  EXPECT_EQ(b.rises[vectors::kCh0], 2U);
}

TEST_F(InterruptTest, StatusClearedInTheAccessThatStartsStaysCleared) {
  ASSERT_EQ(fail(0), Err::kPrdtAlign);
  b.write(regs::BmPrdt::at(0), kTable);
  b.write(regs::BmCommand::at(0),
          regs::BmCommand::kStart | (regs::BmStatus::kInterrupt | regs::BmStatus::kError)
                                        << 8U * (regs::BmStatus::at(0) - regs::BmCommand::at(0)));
  EXPECT_EQ(b.read(regs::BmStatus::at(0), 1), regs::BmStatus::kActive);
  b.run_until_idle(0);
  EXPECT_EQ(b.read(regs::BmStatus::at(0), 1), regs::BmStatus::kInterrupt);
}

TEST_F(InterruptTest, StatisticsCountRisingEdges) {
  enable(regs::IrqCause::kCh0);
  const CardStatistics before = b.card.statistics();
  for (unsigned i = 0; i < 3; ++i) {
    ASSERT_EQ(succeed(0), Err::kNone);
    settle();
    b.write(regs::IrqCause::kOffset, ~0U);
  }
  settle();
  EXPECT_EQ(b.card.statistics().interrupts[vectors::kCh0] - before.interrupts[vectors::kCh0], 3U);
  EXPECT_EQ(b.card.statistics().interrupts[vectors::kError], before.interrupts[vectors::kError]);
}

}  // namespace
}  // namespace prd32::test
