// SPDX-License-Identifier: Apache-2.0
// When a command queue interrupts, and how its interrupt is taken back: docs/datasheet.md, section 12.
#include <vector>

#include "queue_bench.hpp"

namespace prd32::test {
namespace {

constexpr std::uint32_t kManyLeft = 0xffff;

TEST_F(QueueTest, OneInterruptMayTellOfSeveral) {
  b.write(regs::QueueCoalesce::at(0), kManyLeft);
  q.put_regions(7);
  q.ring();
  q.wait_for_head(6);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kActive);
  b.run_until_idle(0);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kInterrupt) << "when none is left";
  EXPECT_EQ(b.rises[vectors::kCh0], 1U);
}

class CoalesceTest : public QueueTest {
 protected:
  /// After which commands the interrupt came; its cause is cleared each time.
  std::vector<std::uint32_t> interrupts() {
    std::vector<std::uint32_t> heads;
    times_.clear();
    const sc_core::sc_time before = sc_core::sc_time_stamp();
    b.on_rise = [&](unsigned vector) {
      if (vector == vectors::kCh0) {
        heads.push_back(q.head());
        times_.push_back(sc_core::sc_time_stamp() - before);
        b.write(regs::BmStatus::at(0), regs::BmStatus::kInterrupt, 1);
      }
    };
    q.run();
    sc_core::sc_start(1, sc_core::SC_US);
    b.on_rise = nullptr;
    return heads;
  }
  /// The queue runs on, and has not interrupted.
  void run_half_of(std::uint32_t commands) {
    b.write(regs::QueueCoalesce::at(0), kManyLeft);
    q.put_regions(commands);
    q.ring();
    q.wait_for_head(commands / 2);
  }

  std::vector<sc_core::sc_time> times_;  // when they came, since the doorbell
};

TEST_F(CoalesceTest, AfterSoMany) {
  b.write(regs::QueueCoalesce::at(0), 3);
  q.put_regions(8);
  EXPECT_EQ(interrupts(), (std::vector{3U, 6U, 8U}));
}

/// With a quantum the card may have done more by then.
TEST_F(CoalesceTest, AQuantumChangesNoMoment) {
  b.write(regs::QueueCoalesce::at(0), 3);
  q.put_regions(8);
  (void)interrupts();
  const std::vector<sc_core::sc_time> times = times_;
  for (const double quantum_us : {1.0, 10.0, 100.0}) {
    tlm::tlm_global_quantum::instance().set(sc_core::sc_time(quantum_us, sc_core::SC_US));
    q.put_regions(8);
    (void)interrupts();
    EXPECT_EQ(times_, times) << quantum_us;
  }
}

TEST_F(CoalesceTest, NoneCountsAsOne) {
  for (const std::uint32_t count : {0U, 1U}) {
    const std::uint32_t from = q.head();
    b.write(regs::QueueCoalesce::at(0), count);
    q.put_regions(3);
    EXPECT_EQ(interrupts(), (std::vector{from + 1, from + 2, from + 3}));
  }
}

TEST_F(CoalesceTest, CountsSinceTheQueueBeganToRun) {
  b.write(regs::QueueCoalesce::at(0), 3);
  q.put_regions(2);
  EXPECT_EQ(interrupts(), (std::vector{2U}));
  q.put_regions(4);
  EXPECT_EQ(interrupts(), (std::vector{5U, 6U}));
}

TEST_F(CoalesceTest, CountsSinceItLastSetTheBitAlsoWhenThatWasAnError) {
  b.write(regs::QueueCoalesce::at(0), 3);
  q.put_region(0);
  q.put({.table = 1});
  q.put_regions(6);
  EXPECT_EQ(interrupts(), (std::vector{2U, 5U, 8U}));
}

TEST_F(CoalesceTest, IsLookedAtWheneverACommandIsDone) {
  run_half_of(8);
  b.write(regs::QueueCoalesce::at(0), 2);
  EXPECT_EQ(reg(regs::QueueCoalesce::at(0)), 2U) << "it is no locked register";
  EXPECT_EQ(interrupts(), (std::vector{5U, 7U, 8U}));
  EXPECT_TRUE(b.log.violations.empty());
}

/// A driver that looks what is done, and then says how much it has seen. What it has not seen in time is told again.
class SeenTest : public CoalesceTest {
 protected:
  void see(std::uint32_t count) {
    b.write(regs::QueueSeen::at(0), count);
    sc_core::sc_start(1, sc_core::SC_NS);
  }
  void run_all(std::uint32_t commands) {
    q.put_regions(commands);
    q.run();
    sc_core::sc_start(1, sc_core::SC_US);
  }
};

TEST_F(SeenTest, TakesTheInterruptBack) {
  run_all(2);
  ASSERT_EQ(q.bm_status(), regs::BmStatus::kInterrupt);
  const unsigned before = b.rises[vectors::kCh0];
  see(2);
  EXPECT_EQ(q.bm_status(), 0U);
  EXPECT_EQ(b.rises[vectors::kCh0], before);
  EXPECT_EQ(reg(regs::QueueSeen::at(0)), 2U);
}

TEST_F(SeenTest, TheLineFallsAndRisesForTheRest) {
  b.write(regs::QueueCoalesce::at(0), kManyLeft);
  run_all(4);
  const unsigned before = b.rises[vectors::kCh0];
  see(3);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kInterrupt) << "the queue does not run, and one was not seen";
  EXPECT_EQ(b.rises[vectors::kCh0], before + 1);
  see(4);
  EXPECT_EQ(q.bm_status(), 0U);
  EXPECT_EQ(b.rises[vectors::kCh0], before + 1);
}

TEST_F(SeenTest, WhileTheQueueRunsForSoMany) {
  run_half_of(8);
  const std::uint32_t done = q.head();
  b.write(regs::QueueCoalesce::at(0), 3);
  const unsigned before = b.rises[vectors::kCh0];
  b.write(regs::QueueSeen::at(0), done - 2);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kActive) << "two are too few";
  b.write(regs::QueueSeen::at(0), done - 3);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kActive | regs::BmStatus::kInterrupt);
  sc_core::sc_start(1, sc_core::SC_NS);
  EXPECT_EQ(b.rises[vectors::kCh0], before + 1);
}

TEST_F(SeenTest, WhatWasNotSeenIsCounted) {
  run_half_of(8);
  b.write(regs::QueueCoalesce::at(0), 3);
  b.write(regs::QueueSeen::at(0), q.head() - 1);
  const std::uint32_t next = q.head() + 2;
  std::vector<std::uint32_t> heads = interrupts();
  ASSERT_FALSE(heads.empty());
  EXPECT_EQ(heads.front(), next);
}

/// The last command ends in the moment in which the interrupt of those before it is taken back.
TEST_F(SeenTest, AnInterruptInTheSameMomentIsAnother) {
  b.write(regs::QueueCoalesce::at(0), 1);
  q.put_regions(2);
  unsigned told = 0;
  b.on_rise = [&](unsigned vector) { told += vector == vectors::kCh0 ? 1 : 0; };
  q.ring();
  q.wait_for_head(2);
  b.write(regs::QueueSeen::at(0), 1);
  sc_core::sc_start(1, sc_core::SC_US);
  EXPECT_EQ(told, 2U);
  b.on_rise = nullptr;
}

TEST_F(SeenTest, ASilentLineStaysSilent) {
  b.write(regs::IrqEnable::kOffset, 0);
  run_all(2);
  see(1);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kInterrupt);
  EXPECT_EQ(b.rises[vectors::kCh0], 0U);
}

}  // namespace
}  // namespace prd32::test
