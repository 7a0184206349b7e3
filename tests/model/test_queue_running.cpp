// SPDX-License-Identifier: Apache-2.0
// What ends a running queue, and what is written meanwhile: docs/datasheet.md, section 12.
#include <algorithm>

#include "queue_bench.hpp"

namespace prd32::test {
namespace {

using regs::Err;

constexpr std::uint32_t kManyLeft = 0xffff;
constexpr CommandStatus kNothing{};

// ---- doorbells

TEST_F(QueueTest, ADoorbellWhileItRunsOnlyMovesTheTail) {
  b.write(regs::QueueCoalesce::at(0), kManyLeft);
  q.put_regions(2);
  q.ring();
  q.wait_for_head(1);
  q.put_regions(3);
  q.ring();
  EXPECT_EQ(q.tail(), 5U);
  EXPECT_EQ(q.head(), 1U);
  b.run_until_idle(0);
  EXPECT_EQ(q.head(), 5U);
  EXPECT_EQ(q.status(4), Queue::good(4));
  EXPECT_EQ(b.rises[vectors::kCh0], 1U) << "it did not become idle meanwhile";
  EXPECT_TRUE(b.log.violations.empty());
}

TEST_F(QueueTest, ADoorbellWhileTheLastStatusIsOnTheBus) {
  b.write(regs::QueueCoalesce::at(0), kManyLeft);
  q.put_region(0);
  q.hold(q.place(0) + 16);
  q.ring();
  q.wait_held();
  q.put_region(1);
  q.ring();
  q.release();
  q.wait_for_head(1);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kActive) << "no interrupt: one is left";
  b.run_until_idle(0);
  EXPECT_EQ(q.status(1), Queue::good(1));
  EXPECT_EQ(b.rises[vectors::kCh0], 1U);
}

/// The last command is done ahead of the simulation, within a quantum; whether it was the last is seen when its time
/// has come.
TEST_F(QueueTest, ADoorbellWithinTheQuantumIsSeen) {
  tlm::tlm_global_quantum::instance().set(sc_core::sc_time(100, sc_core::SC_US));
  b.write(regs::QueueCoalesce::at(0), kManyLeft);
  q.put_regions(2);
  q.ring();
  sc_core::sc_start(1, sc_core::SC_US);
  q.put_region(2);
  q.ring();
  b.run_until_idle(0);
  EXPECT_EQ(q.status(2), Queue::good(2));
  EXPECT_EQ(b.rises[vectors::kCh0], 1U);
}

TEST_F(QueueTest, ADoorbellWithoutACommandIsNothing) {
  q.put_region(0);
  q.run();
  q.ring();
  EXPECT_FALSE(b.active(0));
  sc_core::sc_start(10, sc_core::SC_US);
  EXPECT_EQ(q.head(), 1U);
}

TEST_F(QueueTest, EachByteOfADoorbellCounts) {
  q.put_region(0);
  b.write(regs::QueueTail::at(0) + 1, 0, 1);
  EXPECT_FALSE(b.active(0));
  b.write(regs::QueueTail::at(0), 1, 1);
  EXPECT_TRUE(b.active(0));
  b.run_until_idle(0);
  EXPECT_EQ(q.status(0), Queue::good(0));
}

TEST_F(QueueTest, TheReportIsClearedAtTheDoorbell) {
  q.put_and_run({.table = 1});
  ASSERT_EQ(q.error(), Err::kPrdtAlign);
  b.write(regs::Length::at(0), 99);
  q.put_region(0);
  q.ring();
  for (const std::uint32_t offset : {regs::Error::at(0), regs::ErrorAddr::at(0), regs::Breach::at(0),
                                     regs::BreachAddr::at(0), regs::Moved::at(0), regs::Residual::at(0)}) {
    EXPECT_EQ(reg(offset), 0U) << offset;
  }
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kActive | regs::BmStatus::kInterrupt | regs::BmStatus::kError)
      << "those are left as they are";
  b.run_until_idle(0);
}

TEST_F(QueueTest, ResidualIsTheCommandsWhileItIsDone) {
  q.put_region(0);
  q.hold(q.data(0));
  q.ring();
  q.wait_held();
  EXPECT_EQ(reg(regs::Residual::at(0)), Queue::kBytes);
  q.release();
  b.run_until_idle(0);
  EXPECT_EQ(reg(regs::Residual::at(0)), 0U);
}

/// While a transfer by START is active; then while it is active only until the bus has ended.
TEST_F(QueueTest, ADoorbellIsLockedWhileTheChannelIsActiveForAnythingElse) {
  for (Bench* const bench : {&b, &severe_bench(), &tolerant_bench(), &silicon_bench()}) {
    bench->reset();
    Queue queue(*bench);
    const regs::Mode mode = mode_of(bench == &b ? regs::kProfiles.front()
                                                : switched(bench == &severe_bench()     ? regs::Mode::kError
                                                           : bench == &tolerant_bench() ? regs::Mode::kIgnore
                                                                                        : regs::Mode::kSilicon),
                                    Err::kSetupActive);
    for (const bool stopped : {false, true}) {
      bench->log.violations.clear();
      queue.hold(queue.data(0));
      bench->start({.table = queue.table(0)});
      queue.wait_held();
      if (stopped) {
        bench->write(regs::BmCommand::at(0), 0, 1);
      }
      ASSERT_TRUE(bench->active(0));
      const std::uint32_t tail = queue.tail() + 1;
      bench->write(regs::QueueTail::at(0), tail);
      EXPECT_EQ(queue.tail(), mode == regs::Mode::kSilicon ? tail : tail - 1);
      ASSERT_EQ(bench->log.violations.size(), 1U);
      EXPECT_EQ(bench->log.violations[0].rule, regs::rule_of(Err::kSetupActive));
      EXPECT_EQ(bench->log.violations[0].address, regs::QueueTail::at(0));
      queue.release();
      bench->run_until_idle(0);
      sc_core::sc_start(10, sc_core::SC_US);
      EXPECT_FALSE(bench->active(0)) << "as silicon too, the queue does not run";
      EXPECT_EQ(queue.head(), 0U);
      EXPECT_EQ(queue.error(), mode == regs::Mode::kError && !stopped ? Err::kSetupActive : Err::kNone);
    }
  }
}

/// Where the extension is not there.
TEST(NoQueue, ADoorbellMovesTheTailAndNothingMore) {
  Bench& b = seed_bench();
  b.reset();
  Queue q(b);
  q.put_region(0);
  q.ring();
  EXPECT_EQ(q.tail(), 1U);
  EXPECT_FALSE(b.active(0));
  b.start({.table = q.table(0)});
  ASSERT_TRUE(b.active(0));
  b.write(regs::QueueTail::at(0), 7);
  EXPECT_EQ(q.tail(), 7U);
  EXPECT_TRUE(b.log.violations.empty());
  b.run_until_idle(0);
  EXPECT_EQ(q.status(0), kNothing);
  EXPECT_EQ(q.head(), 0U);
}

// ---- ends

class StoppedQueueTest : public QueueTest {
 protected:
  void expect_dropped(std::uint32_t head, std::uint32_t moved) {
    EXPECT_EQ(q.bm_status(), 0U) << "no interrupt, no error";
    EXPECT_EQ(q.head(), head);
    EXPECT_EQ(q.tail(), head);
    EXPECT_EQ(reg(regs::Moved::at(0)), moved);
    EXPECT_EQ(q.error(), Err::kNone);
    EXPECT_EQ(q.status(head), kNothing);
    EXPECT_EQ(b.rises[vectors::kCh0], 0U);
    sc_core::sc_start(100, sc_core::SC_US);
    EXPECT_EQ(q.head(), head);
    EXPECT_EQ(q.status(head), kNothing);
  }
  void expect_that_it_runs_anew() {
    q.forget();
    const std::uint32_t number = q.head();
    q.put_regions(2);
    q.run();
    EXPECT_EQ(q.status(number), Queue::good(number));
    EXPECT_EQ(q.status(number + 1), Queue::good(number + 1));
    EXPECT_TRUE(b.log.violations.empty());
  }
  /// Six commands; the third is of two regions, of which the second waits in the target.
  void run_into_the_third() {
    b.write(regs::QueueCoalesce::at(0), kManyLeft);
    b.put_table(q.table(2), {{.base = q.data(2), .bytes = 64}, {.base = q.data(2) + 64, .bytes = 64, .eot = true}});
    q.put_regions(2);
    q.put({.table = q.table(2), .flags = flags_of(true)});
    q.put_regions(3);
    q.hold(q.data(2) + 64);
    q.ring();
    q.wait_held();
  }
};

TEST_F(StoppedQueueTest, BeforeTheEngineWoke) {
  const std::uint64_t stops = b.card.statistics().stops;
  q.put_regions(2);
  q.ring();
  stop();
  EXPECT_FALSE(b.active(0));
  expect_dropped(0, 0);
  EXPECT_TRUE(b.host.accesses.empty());
  EXPECT_EQ(b.card.statistics().stops, stops + 1);
  expect_that_it_runs_anew();
}

TEST_F(StoppedQueueTest, BetweenCommands) {
  b.write(regs::QueueCoalesce::at(0), kManyLeft);
  q.put_regions(4);
  q.ring();
  q.wait_for_head(2);
  stop();
  EXPECT_FALSE(b.active(0)) << "at once, as nothing is under way";
  expect_dropped(2, 0);
  EXPECT_EQ(q.status(1), Queue::good(1));
  expect_that_it_runs_anew();
}

TEST_F(StoppedQueueTest, InACommandWhileItsDataAreOnTheBus) {
  run_into_the_third();
  stop();
  EXPECT_TRUE(b.active(0)) << "until the bus has ended";
  EXPECT_EQ(q.tail(), 2U);
  q.release();
  expect_dropped(2, 64);
  b.put_table(q.table(2), {{.base = q.data(2), .bytes = Queue::kBytes, .eot = true}});
  expect_that_it_runs_anew();
}

TEST_F(StoppedQueueTest, WhileTheCommandIsFetched) {
  q.put_regions(2);
  q.hold(q.place(0));
  q.ring();
  q.wait_held();
  stop();
  EXPECT_TRUE(b.active(0));
  q.release();
  expect_dropped(0, 0);
  EXPECT_EQ(b.host.accesses.size(), 1U);
  expect_that_it_runs_anew();
}

/// It is written nevertheless, and not counted: the driver waits for ACTIVE and looks at QUEUE_HEAD.
TEST_F(StoppedQueueTest, WhileTheStatusIsOnTheBus) {
  q.put_regions(2);
  q.hold(q.place(0) + 16);
  q.ring();
  q.wait_held();
  stop();
  EXPECT_TRUE(b.active(0));
  q.release();
  EXPECT_FALSE(b.active(0));
  EXPECT_EQ(q.head(), 0U);
  EXPECT_EQ(q.tail(), 0U);
  EXPECT_EQ(b.rises[vectors::kCh0], 0U);
  std::ranges::fill(q.bytes(0), std::uint8_t{0});
  expect_that_it_runs_anew();
}

TEST_F(StoppedQueueTest, ARefusalThatComesAfterTheStopIsNoBreach) {
  for (const std::uint32_t place : {0U, 16U}) {
    q.put_region(0);
    q.hold(q.place(0) + place);
    q.ring();
    q.wait_held();
    stop();
    b.host.unmap(q.base());
    q.release();
    EXPECT_FALSE(b.active(0));
    EXPECT_TRUE(b.log.violations.empty());
    b.host.map(q.base(), 0x10000);
    q.forget();
  }
}

/// Within a quantum a stop finds done what is done.
TEST_F(StoppedQueueTest, AheadOfTheSimulation) {
  tlm::tlm_global_quantum::instance().set(sc_core::sc_time(10, sc_core::SC_US));
  b.write(regs::QueueCoalesce::at(0), kManyLeft);
  q.put_regions(8);
  q.ring();
  sc_core::sc_start(6, sc_core::SC_US);
  const std::uint32_t head = q.head();
  EXPECT_LE(head, 4U) << "no further than a quantum and a command";
  stop();
  EXPECT_FALSE(b.active(0));
  EXPECT_EQ(q.tail(), head);
  expect_dropped(head, reg(regs::Moved::at(0)));
  expect_that_it_runs_anew();
}

TEST_F(StoppedQueueTest, AStopOfATransferByStartDropsNothing) {
  Bench& silicon = silicon_bench();
  silicon.reset();
  Queue queue(silicon);
  queue.put_region(0);
  silicon.start({.table = queue.table(0)});
  queue.ring();
  silicon.write(regs::BmCommand::at(0), 0, 1);
  EXPECT_EQ(queue.tail(), 1U);
  queue.run();
  EXPECT_EQ(queue.status(0), Queue::good(0)) << "a doorbell that moves nothing counts too";
}

TEST_F(StoppedQueueTest, ChannelReset) {
  run_into_the_third();
  b.write(regs::Control::at(0), regs::Control::kReset);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kActive);
  for (const std::uint32_t offset : {regs::QueueHead::at(0), regs::QueueTail::at(0), regs::QueueBase::at(0),
                                     regs::QueueSize::at(0), regs::QueueCoalesce::at(0)}) {
    EXPECT_EQ(reg(offset), 0U);
  }
  q.release();
  EXPECT_EQ(q.bm_status(), 0U);
  EXPECT_EQ(q.status(2), kNothing);
  Queue anew(b);
  anew.put_region(1);
  anew.run();
  EXPECT_EQ(anew.status(0), Queue::good(0)) << "numbers count from 0 again";
}

TEST_F(StoppedQueueTest, CardReset) {
  run_into_the_third();
  b.card.reset();
  for (const regs::Register& each : regs::kTable) {
    EXPECT_EQ(b.read_register(each), each.reset) << each.name;
  }
  q.release();
  sc_core::sc_start(100, sc_core::SC_US);
  for (const regs::Register& each : regs::kTable) {
    EXPECT_EQ(b.read_register(each), each.reset) << each.name << " later";
  }
  Queue anew(b);
  anew.put_region(1);
  anew.run();
  EXPECT_EQ(anew.status(0), Queue::good(0));
}

TEST_F(StoppedQueueTest, ACardResetWithADoorbellWhileTheOldTransactionIsOut) {
  run_into_the_third();
  b.card.reset();
  b.put_table(q.table(2), {{.base = q.data(2), .bytes = Queue::kBytes, .eot = true}});
  Queue anew(b);
  anew.put_regions(2);
  anew.ring();
  sc_core::sc_start(100, sc_core::SC_US);
  EXPECT_EQ(anew.head(), 0U) << "it waits for what is under way on the bus";
  anew.release();
  b.run_until_idle(0);
  EXPECT_EQ(anew.status(1), Queue::good(1));
}

// ---- START, and locked registers

TEST_F(QueueTest, StartWhileItRunsIsIgnored) {
  q.put_regions(3);
  q.ring();
  q.wait_for_head(1);
  b.write(regs::BmCommand::at(0), regs::BmCommand::kStart | regs::BmCommand::kToHost, 1);
  EXPECT_EQ(b.read(regs::BmCommand::at(0), 1), 0U);
  ASSERT_EQ(b.log.violations.size(), 1U);
  EXPECT_EQ(b.log.violations[0].rule, regs::rule_of(Err::kStartActive));
  b.run_until_idle(0);
  EXPECT_EQ(q.status(2), Queue::good(2));
}

TEST(SiliconQueue, StartDropsItAndBeginsATransfer) {
  Bench& b = silicon_bench();
  b.reset();
  Queue q(b);
  const std::uint64_t stops = b.card.statistics().stops;
  q.put_regions(4);
  q.ring();
  q.wait_for_head(1);
  b.write(regs::BmPrdt::at(0), q.table(7));
  b.write(regs::BmCommand::at(0), regs::BmCommand::kStart, 1);
  EXPECT_EQ(b.read(regs::BmCommand::at(0), 1), regs::BmCommand::kStart);
  EXPECT_EQ(q.tail(), 1U);
  b.run_until_idle(0);
  EXPECT_EQ(q.head(), 1U);
  EXPECT_EQ(q.status(1), kNothing);
  EXPECT_EQ(b.read(regs::Moved::at(0)), Queue::kBytes);
  EXPECT_TRUE(std::ranges::equal(b.card.memory().first(Queue::kBytes), b.host.at(q.data(7), Queue::kBytes)));
  EXPECT_EQ(b.card.statistics().stops, stops + 1);
  q.forget();
  q.put_region(0);
  q.run();
  EXPECT_EQ(q.status(1), Queue::good(1));
}

/// What the queue is looked at for each command.
TEST(SiliconQueue, WhatIsWrittenCountsFromTheNextCommandOn) {
  Bench& b = silicon_bench();
  b.reset();
  Queue q(b);
  q.put_regions(2);
  constexpr std::uint32_t kElsewhere = 0x60000;
  b.host.map(kElsewhere, 0x1000);
  const auto second = b.host.at(kElsewhere + command::kBytes, command::kBytes);
  std::ranges::copy(q.bytes(1), second.begin());
  q.hold(q.data(0));
  q.ring();
  q.wait_held();
  b.write(regs::QueueBase::at(0), kElsewhere);
  q.release();
  b.run_until_idle(0);
  EXPECT_EQ(q.status(0), Queue::good(0)) << "the status goes to where the command came from";
  EXPECT_EQ(q.status(1), kNothing);
  EXPECT_EQ(get_word(second, command::kNumber), 2U);
  ASSERT_EQ(b.log.violations.size(), 1U);
  EXPECT_EQ(b.log.violations[0].rule, regs::rule_of(Err::kSetupActive));
}

TEST_F(QueueTest, LockedRegistersAreLockedWhileItRuns) {
  q.put_regions(3);
  q.ring();
  for (const std::uint32_t offset :
       {regs::BmPrdt::at(0), regs::CardAddr::at(0), regs::Length::at(0), regs::Entries::at(0), regs::Control::at(0),
        regs::WritebackAddr::at(0), regs::PatternSeed::at(0), regs::QueueBase::at(0), regs::QueueSize::at(0)}) {
    const std::uint32_t before = reg(offset);
    b.log.violations.clear();
    b.write(offset, 0x0a);
    EXPECT_EQ(reg(offset), before);
    EXPECT_EQ(b.log.violations.size(), 1U);
  }
  b.run_until_idle(0);
  EXPECT_EQ(q.status(2), Queue::good(2));
}

}  // namespace
}  // namespace prd32::test
