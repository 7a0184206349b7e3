// SPDX-License-Identifier: Apache-2.0
// What bytes come from and go to besides card memory: docs/datasheet.md, section 6.
#include <algorithm>
#include <array>

#include "bench.hpp"
#include "prd32/pattern.hpp"

namespace prd32::test {
namespace {

using regs::Endpoint;
using regs::Err;
using regs::PatternKind;

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint32_t kOther = 0x30000;
constexpr std::uint32_t kData = 0x200000;
constexpr std::uint32_t kDataBytes = 0x40000;

std::uint32_t control(Endpoint endpoint) {
  return regs::field_put(regs::Control::kEndpoint, static_cast<std::uint32_t>(endpoint));
}

// ---- the streams

TEST(Pattern, Prbs31BeginsAsTheDataSheetSays) {
  PatternStream stream(PatternKind::kPrbs31, 0);
  std::array<std::uint8_t, 4> bytes{};
  stream.make(bytes);
  EXPECT_EQ(bytes, (std::array<std::uint8_t, 4>{0, 0, 0, 0x0e}));
}

TEST(Pattern, Prbs31IsItsRecurrence) {
  std::vector<std::uint8_t> bytes(4096);
  PatternStream(PatternKind::kPrbs31, 0x12345678).make(bytes);
  const auto bit = [&](std::size_t k) { return bytes[k / 8] >> (7 - k % 8) & 1; };
  for (std::size_t k = 31; k < bytes.size() * 8; ++k) {
    ASSERT_EQ(bit(k), bit(k - 31) ^ bit(k - 28)) << k;
  }
}

TEST(Pattern, TheTopBitOfASeedDoesNotCount) {
  std::vector<std::uint8_t> some(64);
  std::vector<std::uint8_t> others(64);
  PatternStream(PatternKind::kPrbs31, 0x80000000).make(some);
  PatternStream(PatternKind::kPrbs31, 0x7fffffff).make(others);
  EXPECT_EQ(some, others) << "0 stands for all ones";
}

TEST(Pattern, CounterGoesOnWithinAWord) {
  PatternStream stream(PatternKind::kCounter, 0xffffffff);
  std::array<std::uint8_t, 3> head{};
  std::array<std::uint8_t, 6> tail{};
  stream.make(head);
  stream.make(tail);
  EXPECT_EQ(head, (std::array<std::uint8_t, 3>{0xff, 0xff, 0xff}));
  EXPECT_EQ(tail, (std::array<std::uint8_t, 6>{0xff, 0, 0, 0, 0, 1}));
}

TEST(Pattern, SkippingIsMaking) {
  for (const PatternKind kind : {PatternKind::kPrbs31, PatternKind::kCounter}) {
    for (const std::uint64_t bytes : {0ULL, 1ULL, 7ULL, 1000ULL, 65537ULL}) {
      PatternStream made(kind, 99);
      PatternStream skipped(kind, 99);
      std::vector<std::uint8_t> unused(bytes);
      made.make(unused);
      skipped.skip(bytes);
      std::array<std::uint8_t, 16> want{};
      std::array<std::uint8_t, 16> found{};
      made.make(want);
      skipped.make(found);
      EXPECT_EQ(found, want) << bytes;
    }
  }
  PatternStream far(PatternKind::kPrbs31, 1);
  PatternStream near(PatternKind::kPrbs31, 1);
  far.skip(0x7fffffff);  // its period, as 8 and 2^31 - 1 have no common factor
  std::array<std::uint8_t, 16> want{};
  std::array<std::uint8_t, 16> found{};
  far.make(found);
  near.make(want);
  EXPECT_EQ(found, want);
}

// ---- on the card

class EndpointTest : public CardTest {
 protected:
  EndpointTest() { b.host.map(kData, kDataBytes); }
  std::vector<std::uint8_t> host(std::size_t bytes) {
    const auto memory = b.host.at(kData, bytes);
    return {memory.begin(), memory.end()};
  }
  static std::vector<std::uint8_t> stream(PatternKind kind, std::uint32_t seed, std::size_t bytes,
                                          std::uint64_t from = 0) {
    PatternStream source(kind, seed);
    source.skip(from);
    std::vector<std::uint8_t> made(bytes);
    source.make(made);
    return made;
  }
};

TEST_F(EndpointTest, PatternReachesTheHost) {
  b.put_table(kTable, {{.base = kData, .bytes = 1001}, {.base = kData + 1001, .bytes = 999, .eot = true}});
  for (const PatternKind kind : {PatternKind::kPrbs31, PatternKind::kCounter}) {
    b.write(regs::Pattern::at(0), static_cast<std::uint32_t>(kind));
    b.write(regs::PatternSeed::at(0), 4711);
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(b.transfer({.control = control(Endpoint::kPattern), .to_host = true}), Err::kNone);
      EXPECT_EQ(host(2000), stream(kind, 4711, 2000)) << "each START begins anew";
    }
  }
}

TEST_F(EndpointTest, PatternIsNoSinkAndChecksumNoSource) {
  b.put_table(kTable, {{.base = kData, .bytes = 16, .eot = true}});
  EXPECT_EQ(b.transfer({.control = control(Endpoint::kPattern)}), Err::kEndpointDirection);
  EXPECT_EQ(b.read(regs::ErrorAddr::at(0)), regs::Control::at(0));
  EXPECT_EQ(b.transfer({.control = control(Endpoint::kChecksum), .to_host = true}), Err::kEndpointDirection);
  EXPECT_EQ(b.read(regs::Moved::at(0)), 0U);
  Bench& careless = silicon_bench();
  careless.reset();
  careless.put_table(kTable, {{.base = kData, .bytes = 16, .eot = true}});
  careless.host.map(kData, 4096);
  std::ranges::fill(careless.host.at(kData, 16), std::uint8_t{0x55});
  EXPECT_EQ(careless.transfer({.control = control(Endpoint::kPattern)}), Err::kNone);
  EXPECT_EQ(careless.transfer({.control = control(Endpoint::kChecksum), .to_host = true}), Err::kNone);
  EXPECT_EQ(careless.host.at(kData, 1)[0], 0) << "zeros";
}

TEST_F(EndpointTest, ChecksumIsCrc32c) {
  const std::string text = "123456789";
  std::ranges::copy(text, b.host.at(kData, text.size()).begin());
  b.put_table(kTable, {{.base = kData, .bytes = 4}, {.base = kData + 4, .bytes = 5, .eot = true}});
  EXPECT_EQ(b.transfer({.control = control(Endpoint::kChecksum)}), Err::kNone);
  EXPECT_EQ(b.read(regs::Crc::at(0)), 0xe3069283U) << "the check value of CRC-32C";
  b.write(regs::Control::at(0), 0);
  EXPECT_EQ(b.read(regs::Crc::at(0)), 0xe3069283U);
  EXPECT_EQ(b.transfer({}), Err::kNone);
  EXPECT_EQ(b.read(regs::Crc::at(0)), 0U);
}

TEST_F(EndpointTest, OtherEndpointsLeaveCardMemoryAlone) {
  std::ranges::fill(b.card.memory().first(64), std::uint8_t{0x3c});
  b.put_table(kTable, {{.base = kData, .bytes = 64, .eot = true}});
  EXPECT_EQ(b.transfer({.card_address = 0xffffffc0, .control = control(Endpoint::kChecksum)}), Err::kNone);
  EXPECT_EQ(b.transfer({.control = control(Endpoint::kPattern), .to_host = true}), Err::kNone);
  EXPECT_TRUE(std::ranges::all_of(b.card.memory().first(64), [](std::uint8_t byte) { return byte == 0x3c; }));
}

// ---- rate and FIFO

TEST_F(EndpointTest, APatternThatIsSlowSetsThePace) {
  b.put_table(kTable, {{.base = kData, .bytes = 0x8000}, {.base = kData + 0x8000, .bytes = 0x8000, .eot = true}});
  b.write(regs::PatternRate::at(0), 100'000);  // 100 MB/s: 655 us for 64 KiB
  const sc_core::sc_time start = sc_core::sc_time_stamp();
  EXPECT_EQ(b.transfer({.control = control(Endpoint::kPattern), .to_host = true}), Err::kNone);
  const double taken = (sc_core::sc_time_stamp() - start) / sc_core::sc_time(1, sc_core::SC_US);
  EXPECT_GE(taken, 655);
  EXPECT_LE(taken, 760) << "the second half is moved while nothing more is made";
  EXPECT_EQ(host(0x10000), stream(PatternKind::kPrbs31, 0, 0x10000));
  EXPECT_EQ(b.read(regs::PatternLost::at(0)), 0U);
}

/// 64 KiB take about 66 us here; at 4 GB/s the FIFO overflows meanwhile.
void overrun(Bench& b) {
  b.reset();
  b.host.map(kData, kDataBytes);
  b.put_table(kTable, {{.base = kData, .bytes = 0xfffc}, {.base = kData + 0x10000, .bytes = 0xfffc, .eot = true}});
  b.write(regs::PatternRate::at(0), 4'000'000);
  b.write(regs::PatternFifo::at(0), 1);
}

TEST_F(EndpointTest, APatternThatIsTooFastOverrunsAndSaysSo) {
  overrun(b);
  EXPECT_EQ(b.transfer({.control = control(Endpoint::kPattern), .to_host = true}), Err::kPatternOverrun);
  EXPECT_EQ(b.read(regs::ErrorIndex::at(0)), 1U);
  EXPECT_EQ(b.read(regs::Prds::at(0)), 1U) << "the FIFO holds 64 KiB at least";
  EXPECT_EQ(b.log.violations.back().rule, regs::rule_of(Err::kPatternOverrun));
}

TEST_F(EndpointTest, ACarelessAcquisitionHasAGap) {
  Bench& careless = silicon_bench();
  overrun(careless);
  EXPECT_EQ(careless.transfer({.control = control(Endpoint::kPattern), .to_host = true}), Err::kNone);
  const std::uint32_t lost = careless.read(regs::PatternLost::at(0));
  EXPECT_GT(lost, 0x10000U);
  const auto second = careless.host.at(kData + 0x10000, 0xfffc);
  EXPECT_TRUE(std::ranges::equal(second, stream(PatternKind::kPrbs31, 0, 0xfffc, 0xfffcULL + lost)));
}

TEST_F(EndpointTest, ATolerantGeneratorWaits) {
  Bench& tolerant = tolerant_bench();
  overrun(tolerant);
  EXPECT_EQ(tolerant.transfer({.control = control(Endpoint::kPattern), .to_host = true}), Err::kNone);
  EXPECT_EQ(tolerant.read(regs::PatternLost::at(0)), 0U);
  EXPECT_TRUE(
      std::ranges::equal(tolerant.host.at(kData + 0x10000, 0xfffc), stream(PatternKind::kPrbs31, 0, 0xfffc, 0xfffc)));
  EXPECT_EQ(tolerant.log.violations.size(), 1U);
}

TEST_F(EndpointTest, AWaitForThePatternCanBeStopped) {
  b.put_table(kTable, {{.base = kData, .bytes = 0x8000, .eot = true}});
  b.write(regs::PatternRate::at(0), 1);  // half a minute
  b.start({.control = control(Endpoint::kPattern), .to_host = true});
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_TRUE(b.active(0));
  b.write(regs::BmCommand::at(0), 0, 1);
  EXPECT_FALSE(b.active(0));
}

// ---- loopback

class LoopbackTest : public EndpointTest {
 protected:
  LoopbackTest() {
    const auto source = pattern(kDataBytes / 2, 3);
    std::ranges::copy(source, b.host.at(kData, source.size()).begin());
  }
  void sink(std::vector<Prd> prds) {
    b.put_table(kTable, prds);
    b.start({.channel = 0, .table = kTable, .control = control(Endpoint::kLoopback)});
  }
  void source(std::vector<Prd> prds) {
    b.put_table(kOther, prds);
    b.start({.channel = 1, .table = kOther, .control = control(Endpoint::kLoopback), .to_host = true});
  }
  bool copied(std::size_t bytes) {
    return std::ranges::equal(b.host.at(kData, bytes), b.host.at(kData + kDataBytes / 2, bytes));
  }
};

TEST_F(LoopbackTest, WhatOneChannelTakesTheOtherGives) {
  std::vector<Prd> in;
  std::vector<Prd> out;
  constexpr std::uint32_t kPiece = 0x4000;
  for (std::uint32_t at = 0; at < kDataBytes / 2; at += kPiece) {
    in.push_back({.base = kData + at, .bytes = kPiece, .eot = at + kPiece == kDataBytes / 2});
  }
  for (std::uint32_t at = 0; at < kDataBytes / 2; at += 2 * kPiece) {
    out.push_back({.base = kData + kDataBytes / 2 + at, .bytes = 2 * kPiece, .eot = at + 2 * kPiece == kDataBytes / 2});
  }
  sink(in);
  source(out);
  b.run_until_idle(0);
  b.run_until_idle(1);
  EXPECT_TRUE(copied(kDataBytes / 2));
  EXPECT_EQ(b.read(regs::Moved::at(1)), kDataBytes / 2);
}

TEST_F(LoopbackTest, TheSinkWaitsWhenItIsFull) {
  sink(std::vector<Prd>(8, {.base = kData, .bytes = 0x8000}));
  b.run_until([&] { return b.read(regs::Prds::at(0)) == 4; }, "it is full");
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_EQ(b.read(regs::Prds::at(0)), 4U);
  source({{.base = kData + kDataBytes / 2, .bytes = 0x8000, .eot = true}});
  b.run_until_idle(1);
  b.run_until([&] { return b.read(regs::Prds::at(0)) == 5; }, "there is room again");
  b.write(regs::BmCommand::at(0), 0, 1);
  EXPECT_FALSE(b.active(0));
}

TEST_F(LoopbackTest, TheSourceWaitsForAPartnerAndCanBeStopped) {
  source({{.base = kData, .bytes = 16, .eot = true}});
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_TRUE(b.active(1));
  b.write(regs::BmCommand::at(1), 0, 1);
  EXPECT_FALSE(b.active(1));
  EXPECT_EQ(b.read(regs::Moved::at(1)), 0U);
}

TEST_F(LoopbackTest, WhatIsInItStaysUntilAReset) {
  sink({{.base = kData, .bytes = 64, .eot = true}});
  b.run_until_idle(0);
  source({{.base = kData + kDataBytes / 2, .bytes = 16, .eot = true}});
  b.run_until_idle(1);
  EXPECT_TRUE(copied(16));
  b.write(regs::Control::at(0), regs::Control::kReset);
  source({{.base = kData + kDataBytes / 2, .bytes = 16, .eot = true}});
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_TRUE(b.active(1)) << "the channel's reset emptied it";
}

TEST_F(LoopbackTest, AResetWhileBytesAreOnTheBusEmptiesItOnce) {
  sink({{.base = kData, .bytes = 0x8000, .eot = true}});
  b.run_until_idle(0);
  b.host.hold = [](const FakeHost::Access& access) { return access.write && access.bytes == 0x8000; };
  source(std::vector<Prd>(3, {.base = kData + kDataBytes / 2, .bytes = 0x8000}));
  b.run_until([&] { return b.host.held; }, "its bytes are on the bus");
  b.write(regs::Control::at(0), regs::Control::kReset);
  b.host.hold = nullptr;
  b.host.release.notify();
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_EQ(b.read(regs::Prds::at(1)), 1U) << "the others wait, as it is empty";
  sink({{.base = kData + 0x8000, .bytes = 0x8000, .eot = true}});
  b.run_until([&] { return b.read(regs::Prds::at(1)) == 2; }, "it gives what came after");
  EXPECT_TRUE(std::ranges::equal(b.host.at(kData + 0x8000, 0x8000), b.host.at(kData + kDataBytes / 2, 0x8000)));
}

TEST_F(LoopbackTest, AResetWhileADescriptorTakesItsTimeEmptiesIt) {
  sink({{.base = kData, .bytes = 0x8000, .eot = true}});
  b.run_until_idle(0);
  b.host.accesses.clear();
  source({{.base = kData + kDataBytes / 2, .bytes = 0x8000, .eot = true}});
  b.run_until([&] { return !b.host.accesses.empty(); }, "it has the descriptor");
  b.write(regs::Control::at(0), regs::Control::kReset);
  sc_core::sc_start(1, sc_core::SC_MS);
  EXPECT_TRUE(b.active(1));
  EXPECT_EQ(b.read(regs::Prds::at(1)), 0U);
}

TEST_F(LoopbackTest, WhatTheHostRefusesIsNotTakenOut) {
  sink({{.base = kData, .bytes = 64, .eot = true}});
  b.run_until_idle(0);
  source({{.base = 0x700000, .bytes = 64, .eot = true}});
  b.run_until_idle(1);
  EXPECT_EQ(b.read(regs::Error::at(1)), static_cast<std::uint32_t>(Err::kDataWrite));
  source({{.base = kData + kDataBytes / 2, .bytes = 64, .eot = true}});
  b.run_until_idle(1);
  EXPECT_TRUE(copied(64));
}

TEST_F(LoopbackTest, AWaitingChannelLetsTheOtherPass) {
  source({{.base = kData, .bytes = 16, .eot = true}});
  b.put_table(kTable, {{.base = kData, .bytes = 16, .eot = true}});
  EXPECT_EQ(b.transfer({.channel = 0}), Err::kNone);
  EXPECT_TRUE(b.active(1));
}

}  // namespace
}  // namespace prd32::test
