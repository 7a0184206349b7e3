// SPDX-License-Identifier: Apache-2.0
// What the card does with a broken rule, as its switch says. Where the rules' edges are is test_rules.cpp's.
#include <algorithm>

#include "bench.hpp"

namespace prd32::test {
namespace {

using regs::Err;

constexpr std::uint32_t kTable = 0x10000;
constexpr std::uint32_t kData = 0x200000;
constexpr std::uint32_t kDataBytes = 0x20000;
constexpr std::uint32_t kTopPages = 0xffff0000;

/// A card, host memory that holds a pattern, and card memory that is empty.
class SwitchTest : public testing::Test {
 protected:
  void use(Bench& used) {
    b = &used;
    b->reset();
    b->host.map(kData, kDataBytes);
    std::ranges::copy(host_bytes, b->host.at(kData, kDataBytes).begin());
    std::ranges::fill(b->card.memory(), std::uint8_t{0});
  }
  Err run(const std::vector<Prd>& prds, const Request& setup = {}) {
    b->put_table(kTable, prds);
    return b->transfer(setup);
  }
  std::span<std::uint8_t> card(std::size_t offset, std::size_t bytes) {
    return b->card.memory().subspan(offset, bytes);
  }
  bool card_has(std::size_t offset, std::size_t from, std::size_t bytes) {
    return std::ranges::equal(card(offset, bytes), std::span(host_bytes).subspan(from, bytes));
  }
  bool card_is(std::size_t offset, std::size_t bytes, std::uint8_t value) {
    return std::ranges::all_of(card(offset, bytes), [&](std::uint8_t byte) { return byte == value; });
  }
  std::vector<std::string_view> recorded() const {
    std::vector<std::string_view> names;
    for (const Violation& violation : b->log.violations) {
      names.push_back(violation.rule);
    }
    return names;
  }
  std::uint32_t moved() { return b->read(regs::Moved::at(0)); }

  Bench* b = nullptr;
  std::vector<std::uint8_t> host_bytes = pattern(kDataBytes, 1);
};

using Names = std::vector<std::string_view>;

TEST_F(SwitchTest, ACarelessChipRoundsTheTablesAddress) {
  use(silicon_bench());
  EXPECT_EQ(run({{.base = kData, .bytes = 64, .eot = true}}, {.table = kTable + 0x1238}), Err::kNone);
  EXPECT_TRUE(card_has(0, 0, 64));
  EXPECT_EQ(recorded(), Names{"prdt-align-64k"});
  const std::uint32_t breach = b->read(regs::Breach::at(0));
  EXPECT_EQ(regs::field_get(regs::Breach::kCode, breach), static_cast<std::uint32_t>(Err::kPrdtAlign));
  EXPECT_EQ(regs::field_get(regs::Breach::kCount, breach), 1U);
  EXPECT_EQ(b->read(regs::BreachAddr::at(0)), kTable + 0x1238);
  EXPECT_EQ(b->read(regs::BmStatus::at(0), 1), regs::BmStatus::kInterrupt) << "and nobody hears of it otherwise";
}

TEST_F(SwitchTest, ATolerantCardReadsTheTableWhereItIs) {
  use(tolerant_bench());
  const std::uint32_t table = kTable + 0x1ffc;  // the first descriptor straddles two pages
  b->host.map(kTable, 0x4000);
  encode_prd({.base = kData, .bytes = 64}, b->host.at(table, 8).first<prd::kBytes>());
  encode_prd({.base = kData + 64, .bytes = 64, .eot = true}, b->host.at(table + 8, 8).first<prd::kBytes>());
  EXPECT_EQ(b->transfer({.table = table}), Err::kNone);
  EXPECT_TRUE(card_has(0, 0, 128));
}

TEST_F(SwitchTest, ACarelessChipsTableCounterWrapsWithin64KiB) {
  use(silicon_bench());
  b->card.reset();
  b->host.map(kTable, 0x20000);
  // Aligned, so that only the count of entries brings it around: after 8 descriptors it starts over.
  for (std::uint32_t i = 0; i < 8; ++i) {
    encode_prd({.base = kData, .bytes = 4}, b->host.at(kTable + i * 8, 8).first<prd::kBytes>());
  }
  b->start({});
  b->run_until([&] { return b->read(regs::Prds::at(0)) > 20; }, "it went around twice");
  EXPECT_TRUE(b->active(0));
  b->write(regs::BmCommand::at(0), 0, 1);
  EXPECT_EQ(recorded()[0], "prdt-no-eot");
  EXPECT_EQ(recorded()[1], "prdt-entries");
}

TEST_F(SwitchTest, ATolerantCardEndsATableWithoutEotWhereItMust) {
  use(tolerant_bench());
  EXPECT_EQ(run(std::vector<Prd>(20, {.base = kData, .bytes = 4})), Err::kNone);
  EXPECT_EQ(b->read(regs::Prds::at(0)), 8U);
  EXPECT_EQ(recorded(), Names{"prdt-no-eot"});
}

TEST_F(SwitchTest, ARefusedFetchReadsAllOnes) {
  use(silicon_bench());
  b->host.map(kTopPages, 0x10000);
  // All ones: base 0xffffffff, 65535 bytes, reserved bits and EOT. In units of 4: 0xfffffffc and 65532.
  EXPECT_EQ(b->transfer({.table = 0x90000}), Err::kNone);
  EXPECT_EQ(recorded(), (Names{"prdt-fetch", "prd-reserved-zero", "prd-base-align", "prd-count-align", "prd-wrap-4g",
                               "prd-cross-64k"}));
  EXPECT_EQ(moved(), 65532U);
}

TEST_F(SwitchTest, RegionsOfTwoPartsAreMovedInOrder) {
  use(silicon_bench());
  const std::vector<Prd> crossing{{.base = kData + 0xfffc, .bytes = 8, .eot = true}};
  EXPECT_EQ(run(crossing), Err::kNone);
  EXPECT_TRUE(card_has(0, 0xfffc, 4));
  EXPECT_TRUE(card_has(4, 0, 4)) << "the address counter is 16 bits wide";
  std::ranges::fill(card(0, 8), std::uint8_t{0x77});
  EXPECT_EQ(run(crossing, {.to_host = true}), Err::kNone);
  EXPECT_EQ(b->host.at(kData + 0xffff, 1)[0], 0x77);
  EXPECT_EQ(b->host.at(kData, 1)[0], 0x77);
  EXPECT_EQ(b->host.at(kData + 0x10000, 1)[0], host_bytes[0x10000]);

  use(tolerant_bench());
  EXPECT_EQ(run(crossing), Err::kNone);
  EXPECT_TRUE(card_has(0, 0xfffc, 8));
}

TEST_F(SwitchTest, UnitsSwitched) {
  const std::vector<Prd> odd{{.base = kData + 6, .bytes = 7, .eot = true}};
  use(silicon_bench());
  EXPECT_EQ(run(odd), Err::kNone);
  EXPECT_TRUE(card_has(0, 4, 4));
  EXPECT_EQ(moved(), 4U);
  use(tolerant_bench());
  EXPECT_EQ(run(odd), Err::kNone);
  EXPECT_TRUE(card_has(0, 6, 7));
  EXPECT_EQ(moved(), 7U);
}

TEST_F(SwitchTest, CountZeroSwitched) {
  const std::vector<Prd> whole{{.base = kData, .bytes = limits::kPrdMaxBytes},
                               {.base = kData, .bytes = 4, .eot = true}};
  use(severe_bench());
  EXPECT_EQ(run(whole), Err::kPrdZero);
  EXPECT_EQ(moved(), 0U);
  EXPECT_NE(b->read(regs::Caps::kOffset) & regs::Caps::kZeroRefused, 0U);
  use(silicon_bench());
  EXPECT_EQ(run(whole), Err::kNone);
  EXPECT_EQ(moved(), 4U);
  EXPECT_EQ(b->read(regs::Prds::at(0)), 2U);
  use(tolerant_bench());
  EXPECT_EQ(run(whole), Err::kNone);
  EXPECT_EQ(moved(), limits::kPrdMaxBytes + 4);
  EXPECT_NE(b->read(regs::Caps::kOffset) & regs::Caps::kZeroRefused, 0U) << "it works, but it is a breach";
  EXPECT_EQ(bench().read(regs::Caps::kOffset) & regs::Caps::kZeroRefused, 0U);
}

TEST_F(SwitchTest, LengthSwitched) {
  const std::vector<Prd> prds{{.base = kData, .bytes = 64}, {.base = kData + 64, .bytes = 64, .eot = true}};
  use(silicon_bench());
  EXPECT_EQ(run(prds, {.length = 100}), Err::kNone);
  EXPECT_TRUE(card_has(0, 0, 128));
  EXPECT_EQ(b->read(regs::Residual::at(0)), 0U);
  EXPECT_EQ(run(prds, {.length = 200}), Err::kNone);
  EXPECT_EQ(b->read(regs::Residual::at(0)), 72U);
  use(tolerant_bench());
  EXPECT_EQ(run(prds, {.length = 100}), Err::kNone);
  EXPECT_TRUE(card_has(0, 0, 100));
  EXPECT_TRUE(card_is(100, 28, 0));
  EXPECT_EQ(moved(), 100U);
  EXPECT_EQ(recorded(), Names{"length-long"});
}

TEST_F(SwitchTest, TheEndOfCardMemorySwitched) {
  const auto near_end = static_cast<std::uint32_t>(limits::kMemoryMin - 16);
  const std::vector<Prd> prds{{.base = kData, .bytes = 64, .eot = true}};
  use(silicon_bench());
  EXPECT_EQ(run(prds, {.card_address = near_end}), Err::kNone);
  EXPECT_TRUE(card_has(near_end, 0, 16));
  EXPECT_TRUE(card_has(0, 16, 48)) << "the rest lies at the start";
  EXPECT_EQ(run(prds, {.card_address = near_end, .to_host = true}), Err::kNone);
  EXPECT_TRUE(std::ranges::equal(b->host.at(kData, 64), std::span(host_bytes).first(64)));
  use(tolerant_bench());
  EXPECT_EQ(run(prds, {.card_address = near_end}), Err::kNone);
  EXPECT_TRUE(card_has(near_end, 0, 16));
  EXPECT_TRUE(card_is(0, 64, 0)) << "the rest is dropped";
  EXPECT_EQ(run(prds, {.card_address = near_end, .to_host = true}), Err::kNone);
  EXPECT_EQ(b->host.at(kData + 16, 1)[0], 0) << "and reads 0";
  EXPECT_EQ(run(prds, {.card_address = 0xffffff00}), Err::kNone);
}

TEST_F(SwitchTest, RefusedDataSwitched) {
  use(silicon_bench());
  std::ranges::fill(card(0, 64), std::uint8_t{0x11});
  EXPECT_EQ(run({{.base = 0x700000, .bytes = 64}, {.base = kData, .bytes = 64, .eot = true}}), Err::kNone);
  EXPECT_TRUE(card_is(0, 64, 0xff)) << "a master abort reads all ones";
  EXPECT_TRUE(card_has(64, 0, 64));
  EXPECT_EQ(run({{.base = 0x700000, .bytes = 64}, {.base = kData, .bytes = 64, .eot = true}}, {.to_host = true}),
            Err::kNone);
  EXPECT_EQ(recorded(), (Names{"data-read", "data-write"}));
  EXPECT_EQ(moved(), 128U);
}

TEST_F(SwitchTest, AnEditedTableSwitched) {
  for (const bool direct : {false, true}) {
    for (Bench* const bench : {&severe_bench(), &silicon_bench(), &tolerant_bench()}) {
      use(*bench);
      b->host.allow_direct = direct;
      b->put_table(kTable, {{.base = kData, .bytes = 0x8000}, {.base = kData, .bytes = 4, .eot = true}});
      b->start({});
      b->run_until([&] { return b->read(regs::Prds::at(0)) == 1 || b->read(regs::Prds::at(0)) == 0; }, "it began");
      sc_core::sc_start(5, sc_core::SC_US);
      encode_prd({.base = kData + 64, .bytes = 8, .eot = true}, b->host.at(kTable + 8, 8).first<prd::kBytes>());
      b->run_until_idle(0);
      const auto error = static_cast<Err>(b->read(regs::Error::at(0)));
      EXPECT_EQ(recorded(), Names{"prdt-edited-while-active"});
      if (bench == &severe_bench()) {
        EXPECT_EQ(error, Err::kPrdtEdited);
        EXPECT_EQ(b->read(regs::ErrorIndex::at(0)), 1U);
        EXPECT_EQ(b->read(regs::ErrorAddr::at(0)), kTable + 8);
        EXPECT_EQ(moved(), 0x8000U);
      } else {
        EXPECT_EQ(error, Err::kNone);
        EXPECT_EQ(moved(), 0x8000U + (bench == &silicon_bench() ? 4 : 8));
      }
      b->host.allow_direct = false;
    }
  }
}

TEST_F(SwitchTest, WhatIsOffIsNotRecorded) {
  use(bench());
  EXPECT_EQ(run({{.base = kData, .bytes = limits::kPrdMaxBytes, .eot = true}}), Err::kNone);
  EXPECT_EQ(recorded(), Names{});
  EXPECT_EQ(b->read(regs::Breach::at(0)), 0U);
}

}  // namespace
}  // namespace prd32::test
