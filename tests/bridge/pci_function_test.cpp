// SPDX-License-Identifier: Apache-2.0
#include "pci_function.hpp"

#include <gtest/gtest.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include <array>
#include <cerrno>
#include <string>

#include "support.hpp"

namespace prd32 {
namespace {

class PciFunctionTest : public testing::Test {
 protected:
  int write(std::uint32_t region, std::uint64_t offset, std::size_t size) {
    return function_.region_write(region, offset, std::span(data_).first(size));
  }
  int read(std::uint32_t region, std::uint64_t offset, std::size_t size) {
    return function_.region_read(region, offset, std::span(data_).first(size));
  }
  void bus_master(bool on) {
    data_[0] = static_cast<std::byte>(on ? PCI_COMMAND_MASTER : 0);
    ASSERT_EQ(write(VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, 1), 0);
  }

  test::FakeCard card_;
  test::RecordedViolations violations_;
  PciFunction function_{test::other_function(), card_, violations_};
  std::array<std::byte, 16> data_{};
};

TEST_F(PciFunctionTest, BarIsAWindow) {
  ASSERT_EQ(write(2, 0x10, 2), 0);
  ASSERT_EQ(read(3, 1, 1), 0);
  using Access = std::pair<std::uint64_t, std::size_t>;
  EXPECT_EQ(card_.mmio.accesses, (std::vector<Access>{{0x50, 2}, {0x1, 1}}));
}

TEST_F(PciFunctionTest, EightBytesAreTwoAccesses) {
  ASSERT_EQ(write(2, 8, 8), 0);
  using Access = std::pair<std::uint64_t, std::size_t>;
  EXPECT_EQ(card_.mmio.accesses, (std::vector<Access>{{0x48, 4}, {0x4c, 4}}));
  EXPECT_EQ(write(2, 0, 3), EINVAL);
  EXPECT_EQ(write(2, 0, 16), EINVAL);
  EXPECT_EQ(write(2, 0xff, 2), EINVAL);
  EXPECT_EQ(write(4, 0, 1), EINVAL);
  EXPECT_EQ(card_.mmio.accesses.size(), 2U);
  EXPECT_TRUE(card_.memory.accesses.empty());
}

TEST_F(PciFunctionTest, CardMemoryTakesAnyAccess) {
  ASSERT_EQ(write(0, 5, 16), 0);
  ASSERT_EQ(read(0, 0x2ffd, 3), 0);
  ASSERT_EQ(write(0, 0x101, 8), 0) << "in one piece";
  EXPECT_EQ(write(1, 0, 4), EINVAL) << "the upper half of a BAR is no BAR";
  EXPECT_EQ(read(0, 0x3ffd, 4), EINVAL);
  using Access = std::pair<std::uint64_t, std::size_t>;
  EXPECT_EQ(card_.memory.accesses, (std::vector<Access>{{5, 16}, {0x2ffd, 3}, {0x101, 8}}));
  EXPECT_TRUE(card_.mmio.accesses.empty());
  EXPECT_TRUE(violations_.rules.empty());
}

TEST_F(PciFunctionTest, BehindTheMemoryIsNothing) {
  data_.fill(std::byte{7});
  ASSERT_EQ(write(0, 0x2ff8, 16), 0) << "half of it is memory";
  data_.fill(std::byte{0});
  ASSERT_EQ(read(0, 0x2ff8, 16), 0);
  EXPECT_EQ(data_[7], std::byte{7});
  EXPECT_EQ(data_[8], std::byte{0xff});
  ASSERT_EQ(read(0, 0x3ffc, 4), 0);
  EXPECT_EQ(data_[3], std::byte{0xff});
  EXPECT_EQ(violations_.rules, std::vector<std::string>(3, "mmio-bad-access"));
}

TEST_F(PciFunctionTest, OnlyWhatHasAFileCanBeMapped) {
  for (std::uint32_t region = 0; region < VFIO_PCI_NUM_REGIONS; ++region) {
    EXPECT_FALSE(function_.mapping(region));
  }
  FunctionDescription description = test::other_function();
  description.bars[2].file = BarFile{.fd = 3, .offset = 0x1000};
  const PciFunction with_file(description, card_, violations_);
  const auto mapping = with_file.mapping(0);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->fd, 3);
  EXPECT_EQ(mapping->offset, 0x1000U);
  EXPECT_EQ(mapping->size, 0x3000U);
  EXPECT_FALSE(with_file.mapping(1));
  EXPECT_FALSE(with_file.mapping(2));
}

TEST_F(PciFunctionTest, WhatTheCardRefusesReadsAsOnesAndIsRecorded) {
  ASSERT_EQ(read(2, 0x3c, 8), 0);  // the upper half lies beyond the fake card's end
  EXPECT_EQ(data_[0], std::byte{0});
  EXPECT_EQ(data_[4], std::byte{0xff});
  EXPECT_EQ(violations_.rules, std::vector<std::string>{"mmio-bad-access"});
}

TEST_F(PciFunctionTest, DmaIsGated) {
  int blocked = 0;
  function_.on_dma_blocked([&] { ++blocked; });
  EXPECT_STREQ(function_.dma_refusal(), "dma-bus-master-off");
  bus_master(true);
  EXPECT_EQ(function_.dma_refusal(), nullptr);
  EXPECT_EQ(blocked, 0);
  bus_master(false);
  EXPECT_EQ(blocked, 1);
  bus_master(true);
  function_.reset();
  EXPECT_EQ(blocked, 2);
  EXPECT_STREQ(function_.dma_refusal(), "dma-bus-master-off");
  EXPECT_EQ(card_.resets, 1);
}

TEST_F(PciFunctionTest, PendingBitsAreReadFromTheirBar) {
  const std::uint32_t control = 0x70 + PCI_MSIX_FLAGS;
  data_[1] = std::byte{0x80};
  ASSERT_EQ(write(VFIO_PCI_CONFIG_REGION_INDEX, control, 2), 0);
  function_.set_line(4, true);
  ASSERT_EQ(read(5, 0x80, 1), 0);
  EXPECT_EQ(data_[0], std::byte{0x10});
  ASSERT_EQ(read(5, 0x10 + PCI_MSIX_ENTRY_VECTOR_CTRL, 1), 0);
  EXPECT_EQ(data_[0], std::byte{PCI_MSIX_ENTRY_CTRL_MASKBIT});
}

TEST_F(PciFunctionTest, SilentCardReadsAsOnesAndKeepsWhatItHas) {
  data_.fill(std::byte{0x11});
  ASSERT_EQ(write(2, 0, 4), 0);
  function_.set_presence(Presence::kAllOnes);
  data_.fill(std::byte{0x22});
  ASSERT_EQ(write(2, 0, 4), 0);
  ASSERT_EQ(read(2, 0, 4), 0);
  EXPECT_EQ(data_[0], std::byte{0xff});
  ASSERT_EQ(read(VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, 2), 0);
  EXPECT_EQ(data_[0], std::byte{0xf4}) << "configuration space still answers";
  EXPECT_EQ(read(2, 0xff, 2), EINVAL) << "what is impossible stays so";
  function_.set_presence(Presence::kPresent);
  ASSERT_EQ(read(2, 0, 4), 0);
  EXPECT_EQ(data_[0], std::byte{0x11});
  EXPECT_TRUE(violations_.rules.empty());
}

TEST_F(PciFunctionTest, RemovedCardHasNoConfigurationSpace) {
  bus_master(true);
  function_.set_presence(Presence::kRemoved);
  bus_master(false);
  ASSERT_EQ(read(VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, 4), 0);
  EXPECT_EQ(data_[0], std::byte{0xff});
  EXPECT_EQ(function_.dma_refusal(), nullptr) << "the write was dropped";
}

}  // namespace
}  // namespace prd32
