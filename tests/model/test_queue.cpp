// SPDX-License-Identifier: Apache-2.0
// The command queue when all goes well: docs/datasheet.md, section 12. How it interrupts is
// test_queue_interrupts.cpp's, what goes wrong test_queue_errors.cpp's, what ends it, or happens meanwhile,
// test_queue_running.cpp's.
#include <algorithm>
#include <array>

#include "queue_bench.hpp"

namespace prd32::test {
namespace {

using regs::Endpoint;
using regs::Err;

constexpr std::uint32_t kRoom = 8;  // commands of the queue
constexpr std::uint32_t kManyLeft = 0xffff;

TEST_F(QueueTest, CapsSaysWhetherItIsThere) {
  EXPECT_NE(reg(regs::Caps::kOffset) & regs::Caps::kQueue, 0U);
  seed_bench().reset();
  EXPECT_EQ(seed_bench().read(regs::Caps::kOffset) & regs::Caps::kQueue, 0U);
}

TEST_F(QueueTest, ACommandIsFetchedDoneAndItsStatusWritten) {
  q.put_region(0);
  q.ring();
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kActive);
  EXPECT_EQ(reg(regs::BmCommand::at(0)) & regs::BmCommand::kStart, 0U) << "START plays no part in it";
  b.run_until_idle(0);
  EXPECT_TRUE(q.arrived(0));
  EXPECT_EQ(q.status(0), Queue::good(0));
  EXPECT_EQ(q.head(), 1U);
  EXPECT_EQ(q.bm_status(), regs::BmStatus::kInterrupt);
  EXPECT_EQ(b.rises[vectors::kCh0], 1U);
  EXPECT_EQ(b.host.accesses, (std::vector<FakeHost::Access>{{false, q.base(), 16},
                                                            {false, q.table(0), 4096},
                                                            {false, q.data(0), Queue::kBytes},
                                                            {true, q.base() + 16, 16}}))
      << "one access for the fetch, one for the status";
  EXPECT_TRUE(b.log.violations.empty());
}

TEST_F(QueueTest, TheReportIsThatOfTheLastCommand) {
  q.put_region(0);
  q.put({.table = q.table(1), .length = 0, .flags = flags_of(true)});
  q.run();
  EXPECT_EQ(reg(regs::Moved::at(0)), Queue::kBytes);
  EXPECT_EQ(reg(regs::Prds::at(0)), 1U);
  EXPECT_EQ(reg(regs::Residual::at(0)), 0U);
  EXPECT_EQ(q.error(), Err::kNone);
}

TEST_F(QueueTest, BothDirections) {
  q.put_region(3);
  q.put({.table = q.table(4), .card_address = 3 * Queue::kBytes, .flags = flags_of(true)});
  q.run();
  EXPECT_TRUE(std::ranges::equal(b.host.at(q.data(4), Queue::kBytes), b.host.at(q.data(3), Queue::kBytes)));
}

/// Those of a transfer by START would all be refused here, or make another transfer of it.
TEST_F(QueueTest, TheRegistersOfATransferAreNeitherLookedAtNorChanged) {
  using regs::Control;
  const std::array<std::pair<std::uint32_t, std::uint32_t>, 6> registers{
      {{regs::BmPrdt::at(0), 0x12345679},
       {regs::CardAddr::at(0), ~0U},
       {regs::Length::at(0), 7},
       {regs::Entries::at(0), 99},
       {regs::WritebackAddr::at(0), 0x12345679},
       {Control::at(0), Control::kCyclic | Control::kWriteback |
                            regs::field_put(Control::kEndpoint, static_cast<std::uint32_t>(Endpoint::kChecksum))}}};
  for (const auto& [offset, value] : registers) {
    b.write(offset, value);
  }
  b.write(regs::BmCommand::at(0), regs::BmCommand::kToHost, 1);
  q.put_regions(2);
  q.run();
  EXPECT_TRUE(q.arrived(0) && q.arrived(1));
  EXPECT_EQ(q.status(1), Queue::good(1));
  EXPECT_TRUE(b.log.violations.empty());
  for (const auto& [offset, value] : registers) {
    EXPECT_EQ(reg(offset), value);
  }
  EXPECT_EQ(b.read(regs::BmCommand::at(0), 1), regs::BmCommand::kToHost);
  EXPECT_EQ(reg(regs::Sequence::at(0)), 0U) << "SEQUENCE does not count these";
}

TEST_F(QueueTest, ItIsNotCyclic) {
  b.put_table(q.table(0), {{.base = q.data(0), .bytes = 16, .mark = true, .eot = true}});
  q.put_and_run({.table = q.table(0)});
  EXPECT_EQ(q.status(0).code, Err::kPrdReserved) << "MARK is a reserved bit";
}

TEST_F(QueueTest, EntriesAndLengthAreTheCommands) {
  q.put({.table = q.table(0), .flags = flags_of(false, Endpoint::kMemory, 2)});
  q.put({.table = q.table(0), .length = Queue::kBytes + 1, .flags = flags_of(false)});
  q.put({.table = q.table(0), .card_address = limits::kMemoryDefault - 16, .flags = flags_of(false)});
  q.put({.table = q.table(0), .flags = flags_of(false, Endpoint::kMemory, 0xffff)});
  q.run();
  EXPECT_EQ(q.status(0).code, Err::kPrdtEarlyEot);
  EXPECT_EQ(q.status(1).code, Err::kLengthShort);
  EXPECT_EQ(q.status(2).code, Err::kCardRange);
  EXPECT_EQ(q.status(3).code, Err::kPrdtEntries);
}

// ---- indexes and numbers

TEST_F(QueueTest, TheIndexWrapsTheNumberGoesOn) {
  for (std::uint32_t round = 0; round < 5; ++round) {
    q.put_regions(5);
    q.run();
    EXPECT_EQ(q.head(), 5 * (round + 1));
    for (std::uint32_t i = 0; i < 5; ++i) {
      EXPECT_EQ(q.status(5 * round + i), Queue::good(5 * round + i));
    }
  }
  EXPECT_EQ(b.rises[vectors::kCh0], 1U) << "the cause was never cleared";
}

TEST_F(QueueTest, AQueueMayBeFull) {
  q.put_regions(kRoom);
  q.run();
  EXPECT_EQ(q.head(), kRoom);
  EXPECT_TRUE(b.log.violations.empty());
}

TEST_F(QueueTest, AQueueOfOne) {
  Queue one(b, 0, 0);
  for (std::uint32_t number = 0; number < 3; ++number) {
    one.put_region(number);
    one.run();
    EXPECT_EQ(one.status(number), Queue::good(number));
  }
  EXPECT_EQ(one.place(2), one.base());
}

TEST_F(QueueTest, TheLargestQueue) {
  constexpr std::uint32_t kCommands = 32768;
  constexpr std::uint32_t kBase = 0x2000000;
  b.host.map(kBase, kCommands * command::kBytes);
  b.host.allow_direct = true;
  b.write(regs::QueueBase::at(0), kBase);
  b.write(regs::QueueSize::at(0), ~0U);
  const auto queue = b.host.at(kBase, kCommands * command::kBytes);
  for (std::uint32_t i = 0; i < kCommands; ++i) {
    put_word(queue, i * command::kBytes + command::kPrdt, q.table(i % Queue::kTables));
  }
  b.write(regs::QueueTail::at(0), kCommands);
  b.run_until_idle(0);
  EXPECT_EQ(q.head(), kCommands);
  EXPECT_EQ(get_word(queue, (kCommands - 1) * command::kBytes + command::kNumber), kCommands);
}

/// 2 to the power of 32 commands would take a test too long, so the queue is looked at alone.
TEST_F(QueueTest, NumbersWrapIn32Bits) {
  RegisterFile registers;
  HostBus bus(b.card.dma);
  BusPort port(bus);
  Breaches breaches(0, regs::kProfiles.front(), registers, b.log);
  CommandQueue queue(0, true, registers, port, breaches);
  registers.set(regs::QueueBase::at(0), q.base());
  registers.set(regs::QueueSize::at(0), 3);
  registers.set(regs::QueueHead::at(0), 0xffffffff);
  registers.set(regs::QueueTail::at(0), 1);
  ASSERT_FALSE(queue.empty());
  EXPECT_EQ(queue.locate(), std::nullopt) << "two are left, which is no overrun";
  EXPECT_EQ(queue.address(), q.base() + 7 * command::kBytes);
  EXPECT_EQ(queue.write_status(std::nullopt, [] { return true; }), std::nullopt);
  EXPECT_EQ(q.status(7).number, 0U);
  EXPECT_TRUE(queue.advance(false)) << "QUEUE_COALESCE is 0";
  EXPECT_EQ(registers.get(regs::QueueHead::at(0)), 0U);
  EXPECT_EQ(queue.locate(), std::nullopt);
  EXPECT_EQ(queue.address(), q.base());
  queue.advance(false);
  EXPECT_TRUE(queue.empty());
}

TEST_F(QueueTest, AnAddressHas32Bits) {
  constexpr std::uint32_t kLast = 0xffffffe0;
  b.host.map(0xfffff000, 0x1000);
  b.host.map(0, 0x1000);
  b.write(regs::QueueBase::at(0), kLast);
  for (const std::uint32_t address : {kLast, 0U}) {
    put_word(b.host.at(address, command::kBytes), command::kPrdt, q.table(0));
  }
  b.write(regs::QueueTail::at(0), 2);
  b.run_until_idle(0);
  EXPECT_EQ(get_word(b.host.at(kLast, command::kBytes), command::kNumber), 1U);
  EXPECT_EQ(get_word(b.host.at(0, command::kBytes), command::kNumber), 2U);
}

// ---- endpoints

TEST_F(QueueTest, ChecksumTellsInTheStatus) {
  q.put({.table = q.table(0), .flags = flags_of(false, Endpoint::kChecksum)});
  q.put({.table = q.table(1), .flags = flags_of(false, Endpoint::kChecksum)});
  q.run();
  const std::uint32_t second = reg(regs::Crc::at(0));
  EXPECT_EQ(q.status(1).detail, second);
  EXPECT_NE(q.status(0).detail, second);
  using regs::Control;
  const auto checksum = regs::field_put(Control::kEndpoint, static_cast<std::uint32_t>(Endpoint::kChecksum));
  for (std::uint32_t i = 0; i < 2; ++i) {
    ASSERT_EQ(b.transfer({.table = q.table(i), .control = checksum}), Err::kNone);
    EXPECT_EQ(q.status(i).detail, reg(regs::Crc::at(0))) << "each begins anew";
  }
}

TEST_F(QueueTest, PatternCountsAsItsRegistersAre) {
  b.write(regs::Pattern::at(0), static_cast<std::uint32_t>(regs::PatternKind::kCounter));
  b.write(regs::PatternSeed::at(0), 0x1234);
  for (std::uint32_t i = 0; i < 2; ++i) {
    q.put({.table = q.table(i), .flags = flags_of(true, Endpoint::kPattern)});
  }
  q.run();
  for (std::uint32_t i = 0; i < 2; ++i) {
    const auto region = b.host.at(q.data(i), Queue::kBytes);
    EXPECT_EQ(get_word(region, 0), 0x1234U) << "anew in each command";
    EXPECT_EQ(get_word(region, 4), 0x1235U);
  }
}

TEST_F(QueueTest, ThePatternsRateCountsFromEachCommandOn) {
  b.write(regs::PatternRate::at(0), 100'000);  // 40.96 us a command, while the bus takes 4.4 us
  for (std::uint32_t i = 0; i < 4; ++i) {
    q.put({.table = q.table(i), .flags = flags_of(true, Endpoint::kPattern)});
  }
  const sc_core::sc_time before = sc_core::sc_time_stamp();
  q.run();
  const double us = (sc_core::sc_time_stamp() - before).to_seconds() * 1e6;
  EXPECT_NEAR(us, 4 * (40.96 + 4.196), 2.0);
  EXPECT_TRUE(b.log.violations.empty());
}

TEST_F(QueueTest, LoopbackBetweenTheChannelsQueues) {
  Queue other(b, 1);
  other.put({.table = other.table(0), .flags = flags_of(true, Endpoint::kLoopback)});
  other.put({.table = other.table(1), .flags = flags_of(true, Endpoint::kLoopback)});
  other.ring();
  sc_core::sc_start(10, sc_core::SC_US);
  EXPECT_EQ(other.head(), 0U) << "it waits for its partner";
  q.put({.table = q.table(5), .flags = flags_of(false, Endpoint::kLoopback)});
  q.put({.table = q.table(6), .flags = flags_of(false, Endpoint::kLoopback)});
  q.run();
  b.run_until_idle(1);
  for (std::uint32_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(std::ranges::equal(b.host.at(other.data(i), Queue::kBytes), b.host.at(q.data(5 + i), Queue::kBytes)));
  }
}

/// A profile file may say so; the built-in ones do not.
TEST_F(QueueTest, WithoutEndpointsThereIsMemoryAlone) {
  RegisterFile registers;
  HostBus bus(b.card.dma);
  BusPort port(bus);
  Breaches breaches(0, regs::kProfiles.front(), registers, b.log);
  registers.set(regs::QueueBase::at(0), q.base());
  registers.set(regs::QueueTail::at(0), 1);
  q.put({.table = q.table(0), .flags = flags_of(false, Endpoint::kChecksum)});
  for (const bool endpoints : {false, true}) {
    CommandQueue queue(0, endpoints, registers, port, breaches);
    prd32::Setup setup;
    ASSERT_EQ(queue.locate(), std::nullopt);
    ASSERT_EQ(queue.fetch(setup, [] { return true; }), std::nullopt);
    EXPECT_EQ(queue.examine(), std::nullopt);
    EXPECT_EQ(setup.endpoint, endpoints ? Endpoint::kChecksum : Endpoint::kMemory);
  }
}

// ---- both channels, and time

TEST_F(QueueTest, BothChannelsHaveOne) {
  Queue other(b, 1);
  for (std::uint32_t i = 0; i < 6; ++i) {
    q.put_region(i);
    other.put({.table = other.table(i), .card_address = 0x10000 + i * Queue::kBytes});
  }
  q.ring();
  other.ring();
  q.wait_for_head(3);
  EXPECT_GE(other.head(), 2U) << "they take turns";
  EXPECT_LE(other.head(), 4U);
  b.run_until_idle(0);
  b.run_until_idle(1);
  for (std::uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(q.status(i), Queue::good(i));
    EXPECT_EQ(other.status(i), Queue::good(i));
    EXPECT_TRUE(q.arrived(i));
  }
  EXPECT_EQ(b.rises[vectors::kCh1], 1U);
}

TEST_F(QueueTest, TheFetchOfACommandWaitsForNoTurn) {
  Queue other(b, 1);
  other.hold(other.data(0));
  b.start({.channel = 1, .table = other.table(0)});
  other.wait_held();
  b.host.accesses.clear();
  q.put_region(0);
  q.ring();
  sc_core::sc_start(10, sc_core::SC_US);
  EXPECT_EQ(b.host.accesses, (std::vector<FakeHost::Access>{{false, q.base(), 16}})) << "its descriptor does";
  other.release();
  b.run_until_idle(0);
  EXPECT_EQ(q.status(0), Queue::good(0));
}

TEST_F(QueueTest, AQueueBesideATransferByStart) {
  Queue other(b, 1);
  other.put_regions(4);
  other.ring();
  EXPECT_EQ(b.transfer({.table = q.table(0)}), Err::kNone);
  b.run_until_idle(1);
  EXPECT_EQ(other.status(3), Queue::good(3));
}

/// From the doorbell to the interrupt, ns.
double nanoseconds(Bench& b, const std::function<void()>& begin) {
  const sc_core::sc_time before = sc_core::sc_time_stamp();
  sc_core::sc_time at_rise = before;
  b.on_rise = [&](unsigned) { at_rise = sc_core::sc_time_stamp(); };
  begin();
  b.run_until_idle(0);
  b.write(regs::BmStatus::at(0), ~0U, 1);
  sc_core::sc_start(1, sc_core::SC_US);
  b.on_rise = nullptr;
  return (at_rise - before).to_seconds() * 1e9;
}

TEST_F(QueueTest, EachCommandTakesAsLongAsATransfer) {
  for (const double quantum_us : {0.0, 1.0, 50.0}) {
    tlm::tlm_global_quantum::instance().set(sc_core::sc_time(quantum_us, sc_core::SC_US));
    b.write(regs::QueueCoalesce::at(0), kManyLeft);
    q.put_regions(6);
    const double time = nanoseconds(b, [&] { q.ring(); });
    EXPECT_NEAR(time, 6 * (200 + 100 + Queue::kBytes), 0.01) << "with a quantum of " << quantum_us << " us";
  }
}

TEST_F(QueueTest, ATargetsTimeCounts) {
  b.write(regs::QueueCoalesce::at(0), kManyLeft);
  b.host.latency = sc_core::sc_time(10, sc_core::SC_US);
  for (const double quantum_us : {0.0, 200.0}) {
    tlm::tlm_global_quantum::instance().set(sc_core::sc_time(quantum_us, sc_core::SC_US));
    q.put_regions(3);
    const double time = nanoseconds(b, [&] { q.ring(); });
    // of each command four transactions
    EXPECT_NEAR(time, 3 * (200 + 100 + Queue::kBytes + 4 * 10'000), 0.01) << quantum_us;
  }
}

TEST(LinkedQueue, TheFetchIsOneOf16BytesAndTheStatusTakesNoTime) {
  Bench& b = linked_bench();
  b.reset();
  Queue q(b);
  const double by_start = nanoseconds(b, [&] { b.start({.table = q.table(0)}); });
  q.put_region(0);
  const double by_queue = nanoseconds(b, [&] { q.ring(); });
  const LinkConfig link;
  const double bytes_per_ns = link_bytes_per_second(link) / 1e9;
  // A request of 20 bytes, the latency, and a completion of 16 bytes and 20.
  EXPECT_NEAR(by_queue - by_start, (20 + 16 + 20) / bytes_per_ns + link.latency_ns, 0.1);
}

}  // namespace
}  // namespace prd32::test
