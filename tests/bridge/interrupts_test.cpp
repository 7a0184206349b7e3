// SPDX-License-Identifier: Apache-2.0
#include "interrupts.hpp"

#include <gtest/gtest.h>

#include <array>

#include "support.hpp"

namespace prd32 {
namespace {

class InterruptsTest : public testing::Test {
 protected:
  int assign(std::uint32_t index, unsigned count) {
    MessageFds fds;
    for (unsigned i = 0; i < count; ++i) {
      fds.fd[fds.count++] = test::duplicate(events_[i]);
    }
    return set(index, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, count, fds);
  }
  int set(std::uint32_t index, std::uint32_t flags, unsigned count, MessageFds& fds) {
    return interrupts_.set_irqs({.argsz = 20, .flags = flags, .index = index, .start = 0, .count = count}, {}, fds);
  }
  int set(std::uint32_t index, std::uint32_t flags, unsigned count) {
    MessageFds none;
    return set(index, flags, count, none);
  }

  std::array<UniqueFd, 8> events_ = {test::event(), test::event(), test::event(), test::event(),
                                     test::event(), test::event(), test::event(), test::event()};
  Interrupts interrupts_{5, 8};
};

TEST_F(InterruptsTest, NothingIsDeliveredBeforeItIsEnabled) {
  ASSERT_EQ(assign(VFIO_PCI_MSIX_IRQ_INDEX, 5), 0);
  interrupts_.set_line(3, true);
  EXPECT_EQ(test::taken(events_[3]), 0U);
  interrupts_.set_enables({.msix = true});
  EXPECT_EQ(test::taken(events_[3]), 1U);
  EXPECT_EQ(interrupts_.counts().msix, 1U);
}

TEST_F(InterruptsTest, MessageIsOwedOncePerEdge) {
  ASSERT_EQ(assign(VFIO_PCI_MSIX_IRQ_INDEX, 5), 0);
  interrupts_.set_enables({.msix = true});
  interrupts_.set_line(0, true);
  interrupts_.set_line(0, true);
  EXPECT_EQ(test::taken(events_[0]), 1U);
  interrupts_.set_line(0, false);
  interrupts_.set_line(0, true);
  EXPECT_EQ(test::taken(events_[0]), 1U);
}

TEST_F(InterruptsTest, FewMessagesAreSharedByTheLowBits) {
  ASSERT_EQ(assign(VFIO_PCI_MSI_IRQ_INDEX, 2), 0);
  interrupts_.set_enables({.msi = true, .msi_granted = 2});
  for (unsigned vector = 0; vector < 5; ++vector) {
    interrupts_.set_line(vector, true);
  }
  EXPECT_EQ(test::taken(events_[0]), 3U);
  EXPECT_EQ(test::taken(events_[1]), 2U);
}

TEST_F(InterruptsTest, LineOutsideOfTheFunctionIsIgnored) {
  ASSERT_EQ(assign(VFIO_PCI_INTX_IRQ_INDEX, 1), 0);
  interrupts_.set_enables({.intx = true});
  interrupts_.set_line(5, true);
  interrupts_.set_line(31, true);
  EXPECT_FALSE(interrupts_.intx_asserted());
  EXPECT_EQ(test::taken(events_[0]), 0U);
}

TEST_F(InterruptsTest, LevelStaysUntilTheLastLineFalls) {
  ASSERT_EQ(assign(VFIO_PCI_INTX_IRQ_INDEX, 1), 0);
  interrupts_.set_enables({.intx = true});
  interrupts_.set_line(0, true);
  interrupts_.set_line(4, true);
  interrupts_.set_line(0, false);
  EXPECT_TRUE(interrupts_.intx_asserted());
  EXPECT_EQ(test::taken(events_[0]), 1U);
  ASSERT_EQ(set(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 1), 0);
  EXPECT_EQ(test::taken(events_[0]), 1U);
  interrupts_.set_line(4, false);
  ASSERT_EQ(set(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 1), 0);
  EXPECT_EQ(test::taken(events_[0]), 0U);
}

TEST_F(InterruptsTest, TableMaskHoldsMessagesBack) {
  ASSERT_EQ(assign(VFIO_PCI_MSIX_IRQ_INDEX, 5), 0);
  interrupts_.set_enables({.msix = true});
  interrupts_.set_table_mask(0x2);
  interrupts_.set_line(1, true);
  interrupts_.set_line(2, true);
  EXPECT_EQ(interrupts_.msix_pending(), 0x2U);
  interrupts_.set_table_mask(0);
  EXPECT_EQ(test::taken(events_[1]), 1U);
  EXPECT_EQ(test::taken(events_[2]), 1U);
}

TEST_F(InterruptsTest, DisconnectForgetsEventsAndMasks) {
  ASSERT_EQ(assign(VFIO_PCI_MSIX_IRQ_INDEX, 5), 0);
  ASSERT_EQ(set(VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, 5), 0);
  interrupts_.disconnect();
  interrupts_.set_enables({.msix = true});
  interrupts_.set_line(0, true);
  EXPECT_EQ(test::taken(events_[0]), 0U);
  ASSERT_EQ(assign(VFIO_PCI_MSIX_IRQ_INDEX, 5), 0);
  EXPECT_EQ(test::taken(events_[0]), 1U);
}

}  // namespace
}  // namespace prd32
