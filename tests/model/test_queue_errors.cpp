// SPDX-License-Identifier: Apache-2.0
// Commands in error, and errors of the queue itself, as their rules are switched: docs/datasheet.md, section 12.
#include <algorithm>
#include <functional>

#include "queue_bench.hpp"

namespace prd32::test {
namespace {

using regs::Err;

constexpr CommandStatus kNothing{};
constexpr std::uint32_t kFailed = regs::BmStatus::kInterrupt | regs::BmStatus::kError;
constexpr std::uint32_t kNowhere = 0x600000;

// ---- a command in error

TEST_F(QueueTest, ACommandThatEndsInErrorEndsAlone) {
  const CardStatistics before = b.card.statistics();
  b.write(regs::QueueCoalesce::at(0), 0xffff);
  b.put_table(q.table(1), {{.base = q.data(1), .bytes = 16}, {.base = kNowhere, .bytes = 16, .eot = true}});
  q.put_region(0);
  q.put({.table = q.table(1)});
  q.put_region(2);
  q.put_region(3);
  std::vector<std::uint32_t> heads;
  b.on_rise = [&](unsigned vector) {
    if (vector == vectors::kCh0) {
      heads.push_back(q.head());
      EXPECT_EQ(q.bm_status() & kFailed, heads.size() == 1 ? kFailed : regs::BmStatus::kInterrupt);
      b.write(regs::BmStatus::at(0), ~0U, 1);
    }
  };
  q.run();
  sc_core::sc_start(1, sc_core::SC_US);
  EXPECT_EQ(heads, (std::vector{2U, 4U})) << "after an error, and when none is left";
  EXPECT_EQ(q.status(1),
            (CommandStatus{.code = Err::kDataRead, .index = 1, .moved = 16, .detail = kNowhere, .number = 2}));
  for (const std::uint32_t good : {0U, 2U, 3U}) {
    EXPECT_EQ(q.status(good), Queue::good(good));
  }
  EXPECT_EQ(q.error(), Err::kNone) << "the report is the last one's";
  EXPECT_EQ(q.breach(), Err::kNone);
  EXPECT_FALSE(q.halted());
  EXPECT_EQ(b.card.statistics().errors, before.errors + 1);
  EXPECT_EQ(b.card.statistics().tables, before.tables + 3);
}

TEST_F(QueueTest, TheReportOfTheLastOneStays) {
  q.put_region(0);
  q.put({.table = q.table(1) + 8, .length = 77});
  q.run();
  const std::uint32_t table = q.table(1) + 8;
  EXPECT_EQ(q.status(1),
            (CommandStatus{.code = Err::kPrdtAlign, .index = 0, .moved = 0, .detail = table, .number = 2}));
  EXPECT_EQ(q.bm_status(), kFailed);
  EXPECT_EQ(q.error(), Err::kPrdtAlign);
  EXPECT_EQ(reg(regs::ErrorAddr::at(0)), table);
  EXPECT_EQ(reg(regs::Residual::at(0)), 77U);
  EXPECT_EQ(q.breach(), Err::kPrdtAlign);
  EXPECT_EQ(b.rises[vectors::kError], 1U);
}

TEST_F(QueueTest, TheWrongDirection) {
  q.put({.table = q.table(0), .flags = flags_of(true, regs::Endpoint::kChecksum)});
  q.put_and_run({.table = q.table(0), .flags = flags_of(false, regs::Endpoint::kPattern)});
  for (const std::uint32_t number : {0U, 1U}) {
    EXPECT_EQ(q.status(number).code, Err::kEndpointDirection);
    EXPECT_EQ(q.status(number).detail, regs::Control::at(0));
  }
}

TEST_F(QueueTest, ReservedBitsOfACommand) {
  for (unsigned bit = 0; bit < 16; ++bit) {
    if (const std::uint32_t flags = 1U << bit; (flags & (command::kFlagsToHost | command::kFlagsEndpoint)) == 0) {
      const std::uint32_t number = q.head();
      q.put_and_run({.table = q.table(0), .length = 99, .flags = flags});
      EXPECT_EQ(
          q.status(number),
          (CommandStatus{
              .code = Err::kCommandReserved, .index = 0, .moved = 0, .detail = q.place(number), .number = number + 1}));
      EXPECT_EQ(reg(regs::Residual::at(0)), 99U);
    }
  }
}

TEST(SwitchedQueue, ReservedBitsAreNotLookedAt) {
  for (Bench* const b : {&silicon_bench(), &tolerant_bench()}) {
    b->reset();
    Queue q(*b);
    q.put_and_run({.table = q.table(0), .flags = 0xfcfe});
    EXPECT_EQ(q.status(0), Queue::good(0));
    EXPECT_EQ(q.breach(), Err::kCommandReserved);
    ASSERT_EQ(b->log.violations.size(), 1U);
    EXPECT_EQ(b->log.violations[0].address, q.place(0));
    EXPECT_EQ(b->log.violations[0].prd_index, -1);
  }
}

// ---- the queue itself

class HaltedQueueTest : public QueueTest {
 protected:
  void expect_halted(Err code, std::uint32_t address, std::uint32_t head = 0) {
    EXPECT_TRUE(q.halted());
    EXPECT_EQ(q.bm_status(), kFailed) << "not active";
    EXPECT_EQ(q.error(), code);
    EXPECT_EQ(reg(regs::ErrorIndex::at(0)), 0U);
    EXPECT_EQ(reg(regs::ErrorAddr::at(0)), address);
    EXPECT_EQ(q.head(), head) << "it does not count the command";
    EXPECT_EQ(q.status(head), kNothing);
    EXPECT_EQ(b.rises[vectors::kError], 1U);
    ASSERT_FALSE(b.log.violations.empty());
    EXPECT_EQ(b.log.violations.back().rule, regs::rule_of(code));
    EXPECT_EQ(b.log.violations.back().severity, severity::kError);
  }
};

TEST_F(HaltedQueueTest, Misaligned) {
  for (const std::uint32_t astray : {1U, 16U, 31U}) {
    b.reset();
    Queue anew(b);
    b.write(regs::QueueBase::at(0), q.base() + astray);
    anew.put_region(0);
    anew.run();
    expect_halted(Err::kQueueAlign, q.base() + astray);
    EXPECT_TRUE(b.host.accesses.empty());
  }
}

TEST_F(HaltedQueueTest, Overrun) {
  q.put_regions(8);
  b.write(regs::QueueTail::at(0), 9);
  b.run_until_idle(0);
  expect_halted(Err::kQueueOverrun, regs::QueueTail::at(0));
  EXPECT_EQ(q.tail(), 9U);
}

TEST_F(HaltedQueueTest, OverrunIsExaminedForEachCommand) {
  q.put_regions(2);
  q.ring();
  q.wait_for_head(1);
  b.write(regs::QueueTail::at(0), 0);  // which is 2 to the power of 32, less 2, behind the next head
  b.run_until_idle(0);
  expect_halted(Err::kQueueOverrun, regs::QueueTail::at(0), 2);
}

TEST_F(HaltedQueueTest, AlignmentIsExaminedFirst) {
  b.write(regs::QueueBase::at(0), q.base() + 4);
  b.write(regs::QueueTail::at(0), 100);
  b.run_until_idle(0);
  expect_halted(Err::kQueueAlign, q.base() + 4);
  EXPECT_EQ(b.log.violations.size(), 1U);
}

TEST_F(HaltedQueueTest, TheFetchIsRefused) {
  b.write(regs::QueueBase::at(0), kNowhere);
  b.write(regs::QueueTail::at(0), 1);
  b.run_until_idle(0);
  expect_halted(Err::kQueueFetch, kNowhere);
}

TEST_F(HaltedQueueTest, AFetchInTheMiddle) {
  b.host.map(kNowhere, 2 * command::kBytes);
  b.write(regs::QueueBase::at(0), kNowhere);
  for (std::uint32_t i = 0; i < 2; ++i) {
    put_word(b.host.at(kNowhere + i * command::kBytes, command::kBytes), command::kPrdt, q.table(i));
  }
  b.write(regs::QueueTail::at(0), 4);
  b.run_until_idle(0);
  expect_halted(Err::kQueueFetch, kNowhere + 2 * command::kBytes, 2);
  EXPECT_EQ(q.tail(), 4U);
}

/// The command was good, so the report says what became of its status.
TEST_F(HaltedQueueTest, TheStatusIsRefused) {
  q.put_regions(2);
  const auto commands = q.bytes(0);
  const std::vector<std::uint8_t> copy(commands.begin(), commands.end());
  b.host.map(q.base(), 0x1000, false);
  std::ranges::copy(copy, b.host.at(q.base(), copy.size()).begin());
  q.run();
  expect_halted(Err::kWritebackRefused, q.base() + 16);
  EXPECT_EQ(reg(regs::Moved::at(0)), Queue::kBytes);
  EXPECT_TRUE(q.arrived(0));
}

/// It was in error already: that is what the report says, and the refusal is recorded.
TEST_F(HaltedQueueTest, TheStatusOfACommandInErrorIsRefused) {
  b.host.map(q.base(), 0x1000, false);
  put_word(q.bytes(0), command::kPrdt, 1);
  b.write(regs::QueueTail::at(0), 1);
  b.run_until_idle(0);
  EXPECT_TRUE(q.halted());
  EXPECT_EQ(q.bm_status(), kFailed);
  EXPECT_EQ(q.error(), Err::kPrdtAlign);
  EXPECT_EQ(reg(regs::ErrorAddr::at(0)), 1U);
  ASSERT_EQ(b.log.violations.size(), 2U);
  EXPECT_EQ(b.log.violations[1].rule, regs::rule_of(Err::kWritebackRefused));
  EXPECT_EQ(b.log.violations[1].severity, severity::kError);
}

class HaltTest : public HaltedQueueTest {
 protected:
  HaltTest() {
    b.write(regs::QueueBase::at(0), q.base() + 1);
    q.put_region(0);
    q.run();
    b.write(regs::QueueBase::at(0), q.base());
  }
};

TEST_F(HaltTest, ADoorbellMovesTheTailAndNothingMore) {
  b.write(regs::QueueTail::at(0), 5);
  EXPECT_EQ(q.tail(), 5U);
  EXPECT_FALSE(b.active(0));
  sc_core::sc_start(10, sc_core::SC_US);
  EXPECT_EQ(q.head(), 0U);
  b.log.violations.clear();
  b.start({.table = q.table(1)});
  b.write(regs::QueueTail::at(0), 6);
  EXPECT_EQ(q.tail(), 6U) << "also while a transfer by START is active";
  EXPECT_TRUE(b.log.violations.empty());
  b.run_until_idle(0);
  EXPECT_EQ(q.error(), Err::kNone) << "START works as ever";
  EXPECT_TRUE(q.halted());
}

TEST_F(HaltTest, AStopDoesNotCureIt) {
  b.write(regs::BmCommand::at(0), 0, 1);
  EXPECT_TRUE(q.halted());
  EXPECT_EQ(q.tail(), 1U);
}

TEST_F(HaltTest, TheOtherChannelsQueueWorks) {
  Queue other(b, 1);
  other.put_region(0);
  other.run();
  EXPECT_EQ(other.status(0), Queue::good(0));
}

TEST_F(HaltTest, ResetsCureIt) {
  for (const bool whole_card : {false, true}) {
    if (whole_card) {
      b.card.reset();
    } else {
      b.write(regs::Control::at(0), regs::Control::kReset);
    }
    EXPECT_FALSE(q.halted());
    Queue anew(b);
    anew.put_region(2);
    anew.run();
    EXPECT_EQ(anew.status(0), Queue::good(0));
    b.write(regs::QueueBase::at(0), 1);
    anew.put_region(2);
    anew.run();
    ASSERT_TRUE(anew.halted());
  }
}

// ---- switched otherwise

TEST(SwitchedQueue, ACarelessChipDropsLowAddressBits) {
  Bench& b = silicon_bench();
  b.reset();
  Queue q(b);
  b.write(regs::QueueBase::at(0), q.base() + 31);
  q.put_regions(2);
  q.run();
  EXPECT_EQ(q.status(0), Queue::good(0));
  EXPECT_EQ(q.status(1), Queue::good(1));
  ASSERT_EQ(b.log.violations.size(), 2U) << "each command";
  EXPECT_EQ(b.log.violations[1].rule, regs::rule_of(Err::kQueueAlign));
  EXPECT_EQ(b.log.violations[1].address, q.base() + 31);
  EXPECT_EQ(b.log.violations[1].severity, severity::kWarning);
}

TEST(SwitchedQueue, ATolerantCardReadsTheQueueWhereItIs) {
  Bench& b = tolerant_bench();
  b.reset();
  Queue q(b);
  b.write(regs::QueueBase::at(0), q.base() + 4);
  const auto shifted = b.host.at(q.base() + 4, command::kBytes);
  put_word(shifted, command::kPrdt, q.table(0));
  b.write(regs::QueueTail::at(0), 1);
  b.run_until_idle(0);
  EXPECT_EQ(get_word(shifted, command::kNumber), 1U);
  EXPECT_EQ(q.breach(), Err::kQueueAlign);
}

TEST(SwitchedQueue, ACarelessChipGoesRoundTheQueue) {
  Bench& b = silicon_bench();
  b.reset();
  Queue q(b);
  q.put_regions(8);
  b.write(regs::QueueTail::at(0), 11);
  b.run_until_idle(0);
  EXPECT_EQ(q.head(), 11U);
  EXPECT_EQ(q.status(2).number, 11U);
  EXPECT_EQ(q.status(3).number, 4U);
  EXPECT_EQ(b.log.violations.size(), 3U) << "until no more are left than there is room";
  EXPECT_EQ(b.log.violations[0].rule, regs::rule_of(Err::kQueueOverrun));
}

/// The commands are all zeros, and there is no table at 0. All 2 to the power of 32, less one, commands: it can be
/// stopped all the while.
TEST(SwitchedQueue, ACarelessChipGoesRoundForLongAndCanBeStopped) {
  Bench& b = silicon_bench();
  for (const double quantum_us : {0.0, 10.0}) {
    tlm::tlm_global_quantum::instance().set(sc_core::sc_time(quantum_us, sc_core::SC_US));
    b.reset();
    Queue q(b);
    b.write(regs::QueueTail::at(0), ~0U);
    sc_core::sc_start(1, sc_core::SC_MS);
    EXPECT_TRUE(b.active(0));
    EXPECT_GT(q.head(), 8U);
    b.write(regs::BmCommand::at(0), 0, 1);
    EXPECT_FALSE(b.active(0));
    EXPECT_EQ(q.tail(), q.head());
  }
  tlm::tlm_global_quantum::instance().set(sc_core::SC_ZERO_TIME);
}

/// Its FLAGS then say that it moves from the loopback, where nobody has put anything.
TEST(SwitchedQueue, ARefusedFetchReadsAllOnes) {
  Bench& b = silicon_bench();
  b.reset();
  Queue q(b);
  b.write(regs::QueueBase::at(0), kNowhere);
  b.write(regs::QueueTail::at(0), 1);
  sc_core::sc_start(10, sc_core::SC_US);
  EXPECT_TRUE(b.active(0));
  EXPECT_FALSE(q.halted());
  ASSERT_GE(b.log.violations.size(), 3U);
  EXPECT_EQ(b.log.violations[0].rule, regs::rule_of(Err::kQueueFetch));
  EXPECT_EQ(b.log.violations[0].address, kNowhere);
  EXPECT_EQ(b.log.violations[1].rule, regs::rule_of(Err::kCommandReserved));
  EXPECT_EQ(b.log.violations[2].rule, regs::rule_of(Err::kPrdtAlign));
  EXPECT_EQ(b.log.violations[2].address, 0xffffffffU);
  b.write(regs::BmCommand::at(0), 0, 1);
  EXPECT_FALSE(b.active(0));
}

TEST(SwitchedQueue, NobodyHearsOfARefusedStatus) {
  Bench& b = silicon_bench();
  b.reset();
  Queue q(b);
  b.host.map(q.base(), 0x1000, false);
  put_word(q.bytes(0), command::kPrdt, q.table(0));
  put_word(q.bytes(1), command::kPrdt, q.table(1));
  b.write(regs::QueueTail::at(0), 2);
  b.run_until_idle(0);
  EXPECT_EQ(q.head(), 2U);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kInterrupt);
  EXPECT_EQ(q.status(1), kNothing);
  ASSERT_EQ(b.log.violations.size(), 2U);
  EXPECT_EQ(b.log.violations[0].rule, regs::rule_of(Err::kWritebackRefused));
  EXPECT_EQ(b.log.violations[1].address, q.place(1) + 16);
}

// ---- writes to locked registers, switched to error

class SevereQueueTest : public testing::Test {
 protected:
  SevereQueueTest() { b.write(regs::QueueCoalesce::at(0), 0xffff); }
  ~SevereQueueTest() override { tlm::tlm_global_quantum::instance().set(sc_core::SC_ZERO_TIME); }
  CommandStatus failed(std::uint32_t number, std::uint32_t moved = 0) {
    return {
        .code = Err::kLengthActive, .index = 0, .moved = moved, .detail = regs::Length::at(0), .number = number + 1};
  }
  void write_locked() { b.write(regs::Length::at(0), 1); }
  Bench& b = []() -> Bench& {
    severe_bench().reset();
    return severe_bench();
  }();
  Queue q{b};
};

TEST_F(SevereQueueTest, EndTheCommandAlone) {
  q.put_regions(3);
  q.hold(q.data(1));
  q.ring();
  q.wait_held();
  write_locked();
  write_locked();
  q.release();
  b.run_until_idle(0);
  EXPECT_EQ(q.status(0), Queue::good(0));
  EXPECT_EQ(q.status(1), failed(1));
  EXPECT_EQ(q.status(2), Queue::good(2));
  EXPECT_EQ(q.bm_status(), kFailed);
  EXPECT_FALSE(q.halted());
  EXPECT_EQ(b.log.violations.size(), 2U) << "a second such write meanwhile is a second breach";
}

TEST_F(SevereQueueTest, BeforeItIsFetchedItIsFetchedNevertheless) {
  for (const double quantum_us : {0.0, 100.0}) {
    tlm::tlm_global_quantum::instance().set(sc_core::sc_time(quantum_us, sc_core::SC_US));
    const std::uint32_t number = q.head();
    q.put_regions(2);
    b.host.accesses.clear();
    const sc_core::sc_time before = sc_core::sc_time_stamp();
    sc_core::sc_time at_rise;
    b.on_rise = [&](unsigned vector) { at_rise = vector == vectors::kError ? sc_core::sc_time_stamp() : at_rise; };
    q.ring();
    write_locked();
    b.run_until_idle(0);
    EXPECT_EQ(q.status(number), failed(number));
    EXPECT_EQ(q.status(number + 1), Queue::good(number + 1));
    ASSERT_GE(b.host.accesses.size(), 3U);
    EXPECT_EQ(b.host.accesses[0], (FakeHost::Access{false, q.place(number), 16}));
    EXPECT_EQ(b.host.accesses[1], (FakeHost::Access{true, q.place(number) + 16, 16})) << "no byte moves";
    EXPECT_EQ((at_rise - before), sc_core::sc_time(200, sc_core::SC_NS)) << "then, and no earlier";
    b.write(regs::BmStatus::at(0), ~0U, 1);
    sc_core::sc_start(1, sc_core::SC_US);
  }
}

TEST_F(SevereQueueTest, WhileItIsFetched) {
  q.put_region(0);
  q.hold(q.place(0));
  q.ring();
  q.wait_held();
  write_locked();
  q.release();
  b.run_until_idle(0);
  EXPECT_EQ(q.status(0), failed(0));
  EXPECT_EQ(q.error(), Err::kLengthActive);
  EXPECT_EQ(b.read(regs::Residual::at(0)), 0U) << "which step 3 would have set";
}

/// The status says what was known, the registers what is.
TEST_F(SevereQueueTest, WhileItsStatusIsOnTheBus) {
  q.put_region(0);
  q.hold(q.place(0) + 16);
  q.ring();
  q.wait_held();
  write_locked();
  q.release();
  b.run_until_idle(0);
  EXPECT_EQ(q.status(0), Queue::good(0));
  EXPECT_EQ(q.error(), Err::kLengthActive);
  EXPECT_EQ(q.bm_status(), kFailed);
}

TEST_F(SevereQueueTest, AnErrorOfTheQueueIsTheQueues) {
  b.write(regs::QueueBase::at(0), kNowhere);
  b.write(regs::QueueTail::at(0), 1);
  write_locked();
  b.run_until_idle(0);
  EXPECT_TRUE(q.halted());
  EXPECT_EQ(q.error(), Err::kQueueFetch);
}

TEST_F(SevereQueueTest, StartIsSuchAWrite) {
  q.put_regions(2);
  q.ring();
  b.write(regs::BmCommand::at(0), regs::BmCommand::kStart, 1);
  EXPECT_EQ(b.read(regs::BmCommand::at(0), 1), 0U);
  b.run_until_idle(0);
  EXPECT_EQ(q.status(0).code, Err::kStartActive);
  EXPECT_EQ(q.status(1), Queue::good(1));
}

/// So that the next doorbell finds a channel that nobody has failed.
TEST_F(SevereQueueTest, TheNextCommandIsNotFailed) {
  q.put_region(0);
  q.ring();
  write_locked();
  b.run_until_idle(0);
  q.put_region(1);
  q.run();
  EXPECT_EQ(q.status(1), Queue::good(1));
}

}  // namespace
}  // namespace prd32::test
