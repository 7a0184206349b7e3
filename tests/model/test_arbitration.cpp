// SPDX-License-Identifier: Apache-2.0
// Two channels on one engine, and channels whose own time runs ahead of the simulation's.
#include <algorithm>

#include "bench.hpp"

namespace prd32::test {
namespace {

using regs::Err;

constexpr std::uint32_t kTable0 = 0x10000;
constexpr std::uint32_t kTable1 = 0x30000;
constexpr std::uint32_t kData = 0x200000;
constexpr std::uint32_t kPrds = 16;

class ArbitrationTest : public CardTest {
 protected:
  ArbitrationTest() {
    b.host.map(kData, 0x100000);
    for (const std::uint32_t table : {kTable0, kTable1}) {
      std::vector<Prd> prds;
      for (std::uint32_t i = 0; i < kPrds; ++i) {
        const std::uint32_t base = kData + (table == kTable1 ? 0x80000 : 0) + i * 0x1000;
        prds.push_back({.base = base, .bytes = 0x1000, .eot = i + 1 == kPrds});
      }
      b.put_table(table, prds);
    }
  }
  ~ArbitrationTest() override { tlm::tlm_global_quantum::instance().set(sc_core::SC_ZERO_TIME); }
  void start_both() {
    b.start({.channel = 0, .table = kTable0});
    b.start({.channel = 1, .table = kTable1, .card_address = 0x100000});
  }
  void run_both() {
    b.run_until_idle(0);
    b.run_until_idle(1);
  }
  /// Which channel each access to data was for.
  std::vector<unsigned> order() {
    std::vector<unsigned> channels;
    for (const FakeHost::Access& access : b.host.accesses) {
      if (access.address >= kData) {
        channels.push_back(access.address >= kData + 0x80000 ? 1 : 0);
      }
    }
    return channels;
  }
};

TEST_F(ArbitrationTest, TheChannelsTakeTurnsADescriptorEach) {
  start_both();
  run_both();
  const std::vector<unsigned> turns = order();
  ASSERT_EQ(turns.size(), 2 * kPrds);
  for (std::size_t i = 1; i < turns.size(); ++i) {
    EXPECT_NE(turns[i], turns[i - 1]) << i;
  }
}

TEST_F(ArbitrationTest, TheEngineIsSharedInTimeToo) {
  const auto time = [&](auto start) {
    const sc_core::sc_time before = sc_core::sc_time_stamp();
    start();
    run_both();
    return (sc_core::sc_time_stamp() - before).to_seconds();
  };
  const double alone = time([&] { b.start({.channel = 0, .table = kTable0}); });
  const double both = time([&] { start_both(); });
  EXPECT_NEAR(both / alone, 2.0, 0.1);
}

TEST_F(ArbitrationTest, ALateStarterGetsItsTurns) {
  b.start({.channel = 0, .table = kTable0});
  b.run_until([&] { return b.read(regs::Prds::at(0)) == 4; }, "some are done");
  b.start({.channel = 1, .table = kTable1});
  b.run_until([&] { return b.read(regs::Prds::at(1)) == 4; }, "the other has some");
  EXPECT_LE(b.read(regs::Prds::at(0)), 10U);
  run_both();
}

TEST_F(ArbitrationTest, AStoppedChannelGivesUpItsTurn) {
  start_both();
  b.run_until([&] { return b.read(regs::Prds::at(0)) == 2; }, "some are done");
  b.write(regs::BmCommand::at(0), 0, 1);
  b.run_until_idle(1);
  EXPECT_EQ(b.read(regs::Prds::at(1)), kPrds);
  EXPECT_EQ(b.read(regs::Prds::at(0)), 2U);
}

TEST_F(ArbitrationTest, AChannelInTheQueueCanBeStopped) {
  b.host.hold = [](const FakeHost::Access& access) { return access.address >= kData; };
  b.start({.channel = 0, .table = kTable0});
  b.run_until([&] { return b.host.held; }, "channel 0 has the engine");
  b.start({.channel = 1, .table = kTable1});
  sc_core::sc_start(10, sc_core::SC_US);
  EXPECT_TRUE(b.active(1));
  b.write(regs::BmCommand::at(1), 0, 1);
  EXPECT_FALSE(b.active(1));
  b.host.hold = nullptr;
  b.host.release.notify(sc_core::SC_ZERO_TIME);
  b.run_until_idle(0);
  EXPECT_EQ(b.read(regs::Prds::at(0)), kPrds);
  EXPECT_EQ(b.transfer({.channel = 1, .table = kTable1}), Err::kNone);
}

// ---- temporal decoupling

TEST_F(ArbitrationTest, AQuantumChangesNoResultAndNoDuration) {
  std::vector<std::uint32_t> moved;
  std::vector<double> seconds;
  for (const double us : {0.0, 1.0, 20.0}) {
    tlm::tlm_global_quantum::instance().set(sc_core::sc_time(us, sc_core::SC_US));
    const sc_core::sc_time before = sc_core::sc_time_stamp();
    sc_core::sc_time at_rise;
    b.write(regs::IrqEnable::kOffset, regs::IrqCause::kCh0);
    b.on_rise = [&](unsigned) { at_rise = sc_core::sc_time_stamp(); };
    EXPECT_EQ(b.transfer({.channel = 0, .table = kTable0}), Err::kNone);
    b.write(regs::IrqCause::kOffset, ~0U);
    sc_core::sc_start(1, sc_core::SC_US);
    moved.push_back(b.read(regs::Moved::at(0)));
    seconds.push_back((at_rise - before).to_seconds());
  }
  EXPECT_EQ(moved, (std::vector<std::uint32_t>(3, kPrds * 0x1000)));
  EXPECT_DOUBLE_EQ(seconds[0], seconds[1]) << "the interrupt comes at the same simulated time";
  EXPECT_DOUBLE_EQ(seconds[0], seconds[2]);
}

TEST_F(ArbitrationTest, ATargetsTimeCountsWithinAQuantum) {
  tlm::tlm_global_quantum::instance().set(sc_core::sc_time(100, sc_core::SC_US));
  b.host.latency = sc_core::sc_time(10, sc_core::SC_US);
  const sc_core::sc_time before = sc_core::sc_time_stamp();
  EXPECT_EQ(b.transfer({.channel = 0, .table = kTable0}), Err::kNone);
  EXPECT_GE(sc_core::sc_time_stamp() - before, sc_core::sc_time(170, sc_core::SC_US));
}

TEST_F(ArbitrationTest, TurnsAreTakenWithAQuantumToo) {
  tlm::tlm_global_quantum::instance().set(sc_core::sc_time(20, sc_core::SC_US));
  start_both();
  run_both();
  EXPECT_EQ(b.read(regs::Prds::at(0)), kPrds);
  EXPECT_EQ(b.read(regs::Prds::at(1)), kPrds);
  const std::vector<unsigned> turns = order();
  EXPECT_GT(std::ranges::count(turns.begin(), turns.begin() + kPrds, 1U), 4);
}

}  // namespace
}  // namespace prd32::test
