// SPDX-License-Identifier: Apache-2.0
// From the card's level lines to the client's eventfds, by way of INTx, MSI or MSI-X.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "transport.hpp"
#include "unique_fd.hpp"
#include "wire.hpp"

namespace prd32 {

inline constexpr unsigned kMaxVectors = 32;

/// What configuration space says about interrupts.
struct InterruptEnables {
  bool intx = false;
  bool msi = false;
  unsigned msi_granted = 1;  ///< vectors that software granted, a power of two
  std::uint32_t msi_masked = 0;
  bool msix = false;
  bool msix_function_masked = false;
  /// The function sleeps, or is to send messages, which are writes to memory, and may not. What is owed stays pending.
  bool silent = false;
};

struct InterruptCounts {
  std::uint64_t intx = 0;
  std::uint64_t msi = 0;
  std::uint64_t msix = 0;
};

/// One line a vector. A line that rises is owed one message: it is pending until it was delivered, and forgotten when
/// the line falls, because then there is nothing left to serve. So no edge is lost while a vector is masked or while
/// the client reconfigures, which QEMU does each time one more MSI-X vector comes into use.
class Interrupts {
 public:
  /// `vectors` lines; MSI can offer more messages than that, as their number is a power of two.
  Interrupts(unsigned vectors, unsigned msi_vectors) : vectors_(vectors), msi_vectors_(msi_vectors) {}

  void set_line(unsigned vector, bool high);
  /// The card is being reset: all lines are low, and nothing is owed any more.
  void lower_lines();
  void set_enables(const InterruptEnables& enables);
  /// Bit n: vector n is masked in an MSI-X table that the client uses.
  void set_table_mask(std::uint32_t masked);

  /// DEVICE_GET_IRQ_INFO: how many interrupts the index has and VFIO_IRQ_INFO flags. False for an unknown index.
  [[nodiscard]] bool describe(wire::IrqInfo& info) const;
  /// DEVICE_SET_IRQS. Takes the descriptors that it keeps. Returns 0 or an errno: EINVAL for what the index cannot do
  /// or a descriptor that is no eventfd, EBADMSG for data that does not fit the count, ENOTSUP for a mask eventfd.
  [[nodiscard]] int set_irqs(const wire::IrqSet& request, std::span<const std::byte> bools, MessageFds& fds);

  /// The eventfd whose event unmasks INTx (KVM's resample event), -1 when there is none.
  [[nodiscard]] int intx_unmask_fd() const { return intx_unmask_.get(); }
  void on_intx_unmask_event();

  /// A client went: its descriptors and masks go too.
  void disconnect();

  [[nodiscard]] bool intx_asserted() const { return lines_ != 0 && !enables_.msi && !enables_.msix; }
  [[nodiscard]] std::uint32_t msi_pending() const;
  [[nodiscard]] std::uint32_t msix_pending() const { return enables_.msix ? pending_ : 0; }
  [[nodiscard]] const InterruptCounts& counts() const { return counts_; }

 private:
  struct Slot {
    UniqueFd event;
    bool masked = false;
  };

  [[nodiscard]] unsigned count(std::uint32_t index) const;
  [[nodiscard]] Slot* slots(std::uint32_t index);
  [[nodiscard]] int check(const wire::IrqSet& request, std::size_t bools, const MessageFds& fds) const;
  [[nodiscard]] int assign(const wire::IrqSet& request, MessageFds& fds);
  [[nodiscard]] int assign_unmask_event(MessageFds& fds);
  void act(const wire::IrqSet& request, unsigned interrupt);
  void disable(std::uint32_t index);
  void deliver();
  static bool signal(const Slot& slot);

  unsigned vectors_;
  unsigned msi_vectors_;
  std::uint32_t lines_ = 0;    ///< bit n: line n is high
  std::uint32_t pending_ = 0;  ///< bit n: line n is high and its message is owed
  std::uint32_t table_masked_ = 0;
  InterruptEnables enables_;
  std::array<Slot, 1> intx_;
  std::array<Slot, kMaxVectors> msi_;
  std::array<Slot, kMaxVectors> msix_;
  std::array<Slot, 1> error_;
  std::array<Slot, 1> request_;
  UniqueFd intx_unmask_;
  InterruptCounts counts_;
};

}  // namespace prd32
