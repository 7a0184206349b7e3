// SPDX-License-Identifier: Apache-2.0
// The reset of one channel: docs/datasheet.md, section 5. That of the whole card is test_stop.cpp's.
#include <algorithm>

#include "bench.hpp"

namespace prd32::test {
namespace {

using regs::Control;
using regs::Err;

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint32_t kData = 0x200000;

class ResetTest : public CardTest {
 protected:
  ResetTest() {
    b.host.map(kData, 0x10000);
    b.put_table(kTable, {{.base = kData, .bytes = 0x8000}, {.base = kData + 0x8000, .bytes = 0x8000, .eot = true}});
  }
  void reset_channel(unsigned channel, std::uint32_t besides = 0) {
    b.write(Control::at(channel), Control::kReset | besides);
  }
  void expect_reset_values(unsigned channel) {
    for (const regs::Register& reg : regs::kTable) {
      if (reg.instance == static_cast<int>(channel)) {
        EXPECT_EQ(b.read_register(reg), reg.reset) << reg.name;
      }
    }
  }
};

TEST_F(ResetTest, ClearsTheChannelAndNotTheOther) {
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    EXPECT_EQ(b.transfer({.channel = channel, .table = 4}), Err::kPrdtAlign);
    b.write(regs::PatternSeed::at(channel), 5);
  }
  b.write(regs::IrqEnable::kOffset, ~0U);
  sc_core::sc_start(1, sc_core::SC_US);
  reset_channel(0);
  sc_core::sc_start(1, sc_core::SC_US);
  expect_reset_values(0);
  EXPECT_EQ(b.read(regs::IrqCause::kOffset), regs::IrqCause::kCh1 | regs::IrqCause::kErr1);
  EXPECT_EQ(b.read(regs::PatternSeed::at(1)), 5U);
  EXPECT_FALSE(b.irq[vectors::kCh0].read());
  EXPECT_TRUE(b.irq[vectors::kCh1].read());
  EXPECT_EQ(b.read(regs::IrqEnable::kOffset),
            regs::IrqCause::kCh0 | regs::IrqCause::kCh1 | regs::IrqCause::kErr0 | regs::IrqCause::kErr1);
}

TEST_F(ResetTest, EndsATransfer) {
  b.start({});
  b.run_until([&] { return b.read(regs::Prds::at(0)) == 1; }, "one is done");
  reset_channel(0);
  expect_reset_values(0);
  sc_core::sc_start(1, sc_core::SC_MS);
  expect_reset_values(0);
  EXPECT_EQ(b.transfer({}), Err::kNone) << "and is ready for the next";
  EXPECT_TRUE(b.log.violations.empty()) << "it is no write to a locked register";
}

TEST_F(ResetTest, StaysActiveUntilTheBusHasEnded) {
  b.host.hold = [](const FakeHost::Access& access) { return access.address >= kData; };
  b.start({});
  b.run_until([&] { return b.host.held; }, "the data is held");
  reset_channel(0);
  EXPECT_EQ(b.read(regs::BmStatus::at(0), 1), regs::BmStatus::kActive);
  b.host.hold = nullptr;
  b.host.release.notify(sc_core::SC_ZERO_TIME);
  b.run_until_idle(0);
  expect_reset_values(0);
}

TEST_F(ResetTest, TheRestOfTheWriteCounts) {
  b.start({});
  reset_channel(0, Control::kWriteback | Control::kCyclic);
  EXPECT_EQ(b.read(Control::at(0)), Control::kWriteback | Control::kCyclic) << "RESET itself reads 0";
  EXPECT_FALSE(b.active(0));
}

TEST_F(ResetTest, ExtensionsThatAreMissingCannotBeSet) {
  constexpr std::uint32_t kAll = Control::kCyclic | Control::kWriteback | Control::kEndpoint;
  seed_bench().reset();
  seed_bench().write(Control::at(0), kAll);
  EXPECT_EQ(seed_bench().read(Control::at(0)), 0U);
  seed_bench().write(Control::at(0), kAll | Control::kReset);
  EXPECT_EQ(seed_bench().read(Control::at(0)), 0U);
  b.write(Control::at(0), kAll);
  EXPECT_EQ(b.read(Control::at(0)), kAll);
}

}  // namespace
}  // namespace prd32::test
