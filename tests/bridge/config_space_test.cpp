// SPDX-License-Identifier: Apache-2.0
#include "config_space.hpp"

#include <gtest/gtest.h>
#include <linux/pci_regs.h>

#include <algorithm>
#include <array>

#include "support.hpp"

namespace prd32 {
namespace {

class ConfigSpaceTest : public testing::Test {
 protected:
  std::uint32_t get(std::uint32_t offset, std::size_t size) {
    std::array<std::byte, 4> data{};
    config_.read(offset, std::span(data).first(size));
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= static_cast<std::uint32_t>(data[i]) << (8 * i);
    }
    return value;
  }
  ConfigSpace::Effect put(std::uint32_t offset, std::uint32_t value, std::size_t size) {
    std::array<std::byte, 4> data{};
    for (std::size_t i = 0; i < size; ++i) {
      data[i] = static_cast<std::byte>(value >> (8 * i));
    }
    return config_.write(offset, std::span(data).first(size));
  }
  std::uint32_t capability(std::uint32_t wanted) {
    for (std::uint32_t at = get(PCI_CAPABILITY_LIST, 1); at != 0; at = get(at + 1, 1)) {
      if (get(at, 1) == wanted) {
        return at;
      }
    }
    ADD_FAILURE() << "no capability " << wanted;
    return 0;
  }

  ConfigSpace config_{test::other_function()};
};

TEST_F(ConfigSpaceTest, ShowsTheFunctionThatWasDescribed) {
  EXPECT_EQ(get(PCI_VENDOR_ID, 4), 0x11001af4U);
  EXPECT_EQ(get(PCI_REVISION_ID, 4), 0x02000003U);
  EXPECT_EQ(get(PCI_SUBSYSTEM_VENDOR_ID, 4), 0x00020001U);
  EXPECT_EQ(get(PCI_BASE_ADDRESS_3, 4), 1U);
  put(PCI_BASE_ADDRESS_2, 0xffffffff, 4);
  EXPECT_EQ(get(PCI_BASE_ADDRESS_2, 4), 0xffffff00U);
}

TEST_F(ConfigSpaceTest, BarOf64BitsTakesTwoRegisters) {
  constexpr std::uint32_t kKind = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
  EXPECT_EQ(get(PCI_BASE_ADDRESS_0, 4), kKind);
  put(PCI_BASE_ADDRESS_0, 0xffffffff, 4);
  EXPECT_EQ(get(PCI_BASE_ADDRESS_0, 4), 0xffffc000U | kKind);
  EXPECT_EQ(get(PCI_BASE_ADDRESS_1, 4), 0U) << "each half is written by itself";
  put(PCI_BASE_ADDRESS_1, 0xffffffff, 4);
  EXPECT_EQ(get(PCI_BASE_ADDRESS_1, 4), 0xffffffffU);
  put(PCI_BASE_ADDRESS_0, 0x12345678, 4);
  put(PCI_BASE_ADDRESS_1, 0x80, 4);
  EXPECT_EQ(get(PCI_BASE_ADDRESS_0, 4), 0x12344000U | kKind);
  EXPECT_EQ(get(PCI_BASE_ADDRESS_1, 4), 0x80U);
}

TEST_F(ConfigSpaceTest, LargeBarHasNoLowHalf) {
  FunctionDescription function = test::other_function();
  function.bars[2].size = std::uint64_t{1} << 34;
  config_ = ConfigSpace(function);
  put(PCI_BASE_ADDRESS_0, 0xffffffff, 4);
  put(PCI_BASE_ADDRESS_1, 0xffffffff, 4);
  EXPECT_EQ(get(PCI_BASE_ADDRESS_0, 4) & PCI_BASE_ADDRESS_MEM_MASK, 0U);
  EXPECT_EQ(get(PCI_BASE_ADDRESS_1, 4), 0xfffffffcU);
}

TEST_F(ConfigSpaceTest, FiveVectorsNeedEightMessages) {
  EXPECT_EQ(config_.msi_vectors(), 8U);
  const std::uint32_t at = capability(PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;
  EXPECT_EQ((get(at, 2) & PCI_MSI_FLAGS_QMASK) >> 1, 3U);
  for (std::uint32_t granted = 0; granted < 8; ++granted) {
    put(at, granted << 4, 2);
    EXPECT_EQ(config_.msi_granted(), std::min(1U << granted, 8U)) << granted;
  }
}

TEST_F(ConfigSpaceTest, ReportsWhatAWriteChanged) {
  EXPECT_TRUE(put(PCI_COMMAND, PCI_COMMAND_MASTER, 2).dma);
  EXPECT_FALSE(put(PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY, 2).dma);
  EXPECT_TRUE(put(PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2).interrupts);
  const std::uint32_t msix = capability(PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS;
  EXPECT_TRUE(put(msix + 1, 0xc0, 1).interrupts);
  EXPECT_FALSE(put(msix + 1, 0xc0, 1).interrupts);
  EXPECT_TRUE(config_.msix_enabled() && config_.msix_function_masked());
}

TEST_F(ConfigSpaceTest, ResetIsAskedForInTheHighByteOfDeviceControl) {
  const std::uint32_t at = capability(PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
  EXPECT_FALSE(put(at, 0x80, 1).function_reset);
  EXPECT_FALSE(put(at + 2, 0x8000, 2).function_reset);
  EXPECT_TRUE(put(at + 1, 0x80, 1).function_reset);
  EXPECT_TRUE(put(at, 0x8000, 2).function_reset);
  EXPECT_TRUE(put(at - 2, 0x80000000, 4).function_reset) << "the control word is the upper half";
}

TEST_F(ConfigSpaceTest, OnlyD3ToD0WakesUp) {
  const std::uint32_t at = capability(PCI_CAP_ID_PM) + PCI_PM_CTRL;
  EXPECT_FALSE(put(at, 0, 2).woke_up);
  EXPECT_TRUE(put(at, 3, 2).dma);
  EXPECT_TRUE(config_.in_d3());
  EXPECT_FALSE(put(at, 1, 2).woke_up);
  EXPECT_TRUE(put(at, 0, 2).woke_up);
}

TEST_F(ConfigSpaceTest, ResetRestoresEveryByte) {
  std::array<std::byte, kConfigSpaceSize> before{};
  std::array<std::byte, kConfigSpaceSize> after{};
  config_.read(0, before);
  after.fill(std::byte{0xff});
  (void)config_.write(0, after);
  config_.show_intx(true);
  config_.show_msi_pending(0xff);
  config_.reset();
  config_.read(0, after);
  EXPECT_EQ(before, after);
}

TEST_F(ConfigSpaceTest, WithoutMsixThereIsNoSuchCapability) {
  FunctionDescription function = test::other_function();
  function.msix.reset();
  config_ = ConfigSpace(function);
  EXPECT_EQ(get(capability(PCI_CAP_ID_MSI) + 1, 1), capability(PCI_CAP_ID_EXP));
  EXPECT_FALSE(config_.msix_enabled());
}

}  // namespace
}  // namespace prd32
