// SPDX-License-Identifier: Apache-2.0
// A card on paper that tests put cases to, built up write by write.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "oracle.hpp"

namespace prd32::oracle {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint32_t kTable = 0x10000;
inline constexpr std::uint32_t kData = 0x20000;
inline constexpr std::uint32_t kBlock = 0x10000;
inline constexpr std::uint32_t kStart = regs::BmCommand::kStart;
inline constexpr std::uint32_t kToHost = regs::BmCommand::kToHost;

constexpr std::uint64_t prd_of(std::uint64_t base, std::uint64_t count, std::uint64_t flags = 0) {
  return regs::field_put(prd::kBase, base) | regs::field_put(prd::kCount, count) | flags;
}

/// Memory for tables at kTable, and for data at kData.
class Oracle : public ::testing::Test {
 protected:
  Oracle() : memory_(limits::kMemoryMin) {
    scene_.regions = {{.address = kTable, .bytes = kPageBytes}, {.address = kData, .bytes = kBlock}};
  }

  void write(std::uint32_t offset, std::uint64_t value, unsigned bytes = 4) {
    scene_.steps.push_back({.action = Action::kWrite, .offset = offset, .bytes = bytes, .value = value});
  }
  void run() { scene_.steps.push_back({.action = Action::kRun}); }
  // A transfer of channel 0, which then runs.
  void transfer(std::vector<std::uint64_t> prds, std::uint32_t command) {
    scene_.tables.push_back({.address = kTable, .prds = std::move(prds)});
    write(regs::BmPrdt::at(0), kTable);
    write(regs::BmCommand::at(0), command, 1);
    run();
  }
  std::string_view foretell() {
    host_.build(scene_);
    return oracle::foretell(kind_, scene_, {}, host_, memory_, outcome_);
  }
  std::uint32_t value(std::uint32_t offset) const {
    const auto found = std::ranges::find(regs::kTable, offset, &regs::Register::offset);
    return outcome_.registers.at(static_cast<std::size_t>(found - regs::kTable.begin()));
  }
  Bytes host(std::uint64_t address, std::size_t bytes) const {
    Bytes data(bytes);
    EXPECT_TRUE(host_.read(address, data));
    return data;
  }
  Bytes card(std::uint64_t offset, std::size_t bytes) const {
    Bytes data(bytes);
    memory_.read(offset, data);
    return data;
  }
  void switch_to(Err code, regs::Mode mode) { kind_.profile.modes.at(number_of(code)) = mode; }
  const std::vector<Breach>& breaches() const { return outcome_.breaches.front(); }

  CardKind kind_;
  Case scene_;
  HostMemory host_;
  CardImage memory_;
  Outcome outcome_;
};

}  // namespace prd32::oracle
