// SPDX-License-Identifier: Apache-2.0
// Cyclic tables and the status block: docs/datasheet.md, sections 7 and 8.
#include <algorithm>

#include "bench.hpp"

namespace prd32::test {
namespace {

using regs::Control;
using regs::Err;

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint32_t kData = 0x200000;
constexpr std::uint32_t kBlock = 0x400010;

class CyclicTest : public CardTest {
 protected:
  CyclicTest() {
    b.host.map(kData, 0x10000);
    b.host.map(kBlock & ~0xfffU, 0x1000);
    b.write(regs::IrqEnable::kOffset, ~0U);
  }
  void start(const std::vector<Prd>& prds, Request setup = {.control = Control::kCyclic}) {
    b.put_table(kTable, prds);
    b.start(setup);
  }
  std::uint32_t block(unsigned word) {
    const auto bytes = b.host.at(kBlock + word * 4, 4);
    return bytes[0] | std::uint32_t{bytes[1]} << 8U | std::uint32_t{bytes[2]} << 16U | std::uint32_t{bytes[3]} << 24U;
  }
  std::uint32_t reg(std::uint32_t offset) { return b.read(offset); }
  void stop() { b.write(regs::BmCommand::at(0), 0, 1); }
};

TEST_F(CyclicTest, GoesRoundUntilItIsStopped) {
  start({{.base = kData, .bytes = 64}, {.base = kData + 64, .bytes = 64, .eot = true}});
  b.run_until([&] { return reg(regs::Prds::at(0)) >= 9; }, "several laps");
  EXPECT_EQ(reg(regs::Moved::at(0)), 64 * reg(regs::Prds::at(0)));
  EXPECT_TRUE(b.active(0));
  EXPECT_EQ(b.rises[vectors::kCh0], 0U) << "nothing is marked";
  stop();
  const std::uint32_t moved = reg(regs::Moved::at(0));
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_EQ(reg(regs::Moved::at(0)), moved);
  EXPECT_TRUE(b.log.violations.empty());
}

TEST_F(CyclicTest, EachLapIsOnTheSameCardMemory) {
  b.card.memory()[128] = 0x42;
  std::ranges::fill(b.host.at(kData, 128), std::uint8_t{0x17});
  start({{.base = kData, .bytes = 64}, {.base = kData + 64, .bytes = 64, .eot = true}},
        {.length = 128, .control = Control::kCyclic});
  b.run_until([&] { return reg(regs::Prds::at(0)) >= 6; }, "several laps");
  stop();
  EXPECT_EQ(b.card.memory()[127], 0x17);
  EXPECT_EQ(b.card.memory()[128], 0x42);
  EXPECT_LE(reg(regs::Residual::at(0)), 64U);
}

TEST_F(CyclicTest, RulesCountWithinTheLap) {
  start({{.base = kData, .bytes = 64, .eot = true}}, {.length = 65, .control = Control::kCyclic});
  b.run_until_idle(0);
  EXPECT_EQ(static_cast<Err>(reg(regs::Error::at(0))), Err::kLengthShort);
}

TEST_F(CyclicTest, MarkedDescriptorsInterrupt) {
  std::vector<std::uint32_t> moved_at_rise;
  b.on_rise = [&](unsigned vector) {
    EXPECT_EQ(vector, vectors::kCh0);
    moved_at_rise.push_back(b.read(regs::Moved::at(0)));
    b.write(regs::IrqCause::kOffset, regs::IrqCause::kCh0);
  };
  start({{.base = kData, .bytes = 64, .mark = true},
         {.base = kData + 64, .bytes = 64},
         {.base = kData, .bytes = 64, .mark = true, .eot = true}});
  b.run_until([&] { return moved_at_rise.size() >= 5; }, "five marks");
  stop();
  EXPECT_EQ(std::vector(moved_at_rise.begin(), moved_at_rise.begin() + 5),
            (std::vector<std::uint32_t>{64, 192, 256, 384, 448}));
  EXPECT_GE(reg(regs::Periods::at(0)), 5U);
}

TEST_F(CyclicTest, ATableThatIsEditedIsTakenAsItIsNow) {
  start({{.base = kData, .bytes = 64, .eot = true}});
  b.run_until([&] { return reg(regs::Prds::at(0)) >= 2; }, "it runs");
  encode_prd({.base = kData, .bytes = 32, .reserved = 1, .eot = true}, b.host.at(kTable, 8).first<prd::kBytes>());
  b.run_until_idle(0);
  EXPECT_EQ(static_cast<Err>(reg(regs::Error::at(0))), Err::kPrdReserved);
}

TEST_F(CyclicTest, IsThereOnlyWhereTheProfileSaysSo) {
  EXPECT_NE(reg(regs::Caps::kOffset) & regs::Caps::kCyclic, 0U);
  EXPECT_EQ(load_profile("seed").cyclic, false);
}

// ---- the status block

constexpr Request kWithBlock{.length = 128, .control = Control::kWriteback, .writeback = kBlock};

TEST_F(CyclicTest, TheBlockIsThereBeforeTheInterrupt) {
  std::uint32_t at_rise = 0;
  b.on_rise = [&](unsigned) { at_rise = block(3); };
  start({{.base = kData, .bytes = 128, .eot = true}}, kWithBlock);
  b.run_until_idle(0);
  EXPECT_EQ(at_rise, 1U);
  EXPECT_EQ(block(0), regs::BmStatus::kInterrupt);
  EXPECT_EQ(block(1), 0U);
  EXPECT_EQ(block(2), 0U);
  EXPECT_EQ(reg(regs::Sequence::at(0)), 1U);
  start({{.base = kData, .bytes = 128, .eot = true}}, kWithBlock);
  b.run_until_idle(0);
  EXPECT_EQ(block(3), 2U);
}

TEST_F(CyclicTest, TheBlockTellsAnError) {
  start({{.base = kData, .bytes = 64}, {.base = kData + 0xffff, .bytes = 2}}, kWithBlock);
  b.run_until_idle(0);
  EXPECT_EQ(block(0), regs::BmStatus::kInterrupt | regs::BmStatus::kError);
  EXPECT_EQ(block(1), static_cast<std::uint32_t>(Err::kPrdCross));
  EXPECT_EQ(block(2), 64U);
}

TEST_F(CyclicTest, MarksWriteTheBlockToo) {
  start({{.base = kData, .bytes = 64, .mark = true, .eot = true}},
        {.control = Control::kCyclic | Control::kWriteback, .writeback = kBlock});
  b.run_until([&] { return block(3) >= 3; }, "three marks");
  EXPECT_EQ(block(0) & regs::BmStatus::kActive, regs::BmStatus::kActive);
  stop();
  const std::uint32_t last = block(3);
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_EQ(block(3), last) << "a stop writes none";
}

TEST_F(CyclicTest, ABlockThatTheBusRefusesIsAnError) {
  Request astray = kWithBlock;
  astray.writeback = 0x600000;
  start({{.base = kData, .bytes = 128, .eot = true}}, astray);
  b.run_until_idle(0);
  EXPECT_EQ(static_cast<Err>(reg(regs::Error::at(0))), Err::kWritebackRefused);
  EXPECT_EQ(reg(regs::ErrorAddr::at(0)), 0x600000U);
  EXPECT_EQ(reg(regs::Moved::at(0)), 128U);
  EXPECT_EQ(reg(regs::Sequence::at(0)), 0U);
  start({{.base = kData, .bytes = 64, .mark = true, .eot = true}},
        {.control = Control::kCyclic | Control::kWriteback, .writeback = 0x600000});
  b.run_until_idle(0);
  EXPECT_EQ(static_cast<Err>(reg(regs::Error::at(0))), Err::kWritebackRefused);
  EXPECT_EQ(reg(regs::Periods::at(0)), 0U);
  start({{.base = kData, .bytes = 2, .reserved = 1}}, astray);
  b.run_until_idle(0);
  EXPECT_EQ(static_cast<Err>(reg(regs::Error::at(0))), Err::kPrdReserved) << "the first error stays";
  EXPECT_EQ(b.log.violations.size(), 4U);
}

TEST_F(CyclicTest, ACarelessChipDoesNotHearThatItsBlockWasRefused) {
  Bench& careless = silicon_bench();
  careless.reset();
  careless.host.map(kData, 0x1000);
  careless.put_table(kTable, {{.base = kData, .bytes = 64, .eot = true}});
  EXPECT_EQ(careless.transfer({.control = Control::kWriteback, .writeback = 0x600000}), Err::kNone);
  ASSERT_EQ(careless.log.violations.size(), 1U);
  EXPECT_EQ(careless.log.violations[0].rule, regs::rule_of(Err::kWritebackRefused));
}

TEST_F(CyclicTest, AMisalignedBlockIsNotWritten) {
  Request astray = kWithBlock;
  astray.writeback = kBlock + 4;
  start({{.base = kData, .bytes = 128, .eot = true}}, astray);
  b.run_until_idle(0);
  EXPECT_EQ(static_cast<Err>(reg(regs::Error::at(0))), Err::kWritebackAlign);
  EXPECT_EQ(block(3), 0U);
}

TEST_F(CyclicTest, AStopWhileTheBlockIsOutIsAStop) {
  b.host.hold = [](const FakeHost::Access& access) { return access.address == kBlock; };
  start({{.base = kData, .bytes = 128, .eot = true}}, kWithBlock);
  b.run_until([&] { return b.host.held; }, "the block is out");
  stop();
  EXPECT_TRUE(b.active(0));
  b.host.hold = nullptr;
  b.host.release.notify(sc_core::SC_ZERO_TIME);
  b.run_until_idle(0);
  EXPECT_EQ(reg(regs::Sequence::at(0)), 0U);
  EXPECT_EQ(b.read(regs::BmStatus::at(0), 1), 0U);
  EXPECT_EQ(b.rises[vectors::kCh0], 0U);
}

}  // namespace
}  // namespace prd32::test
