// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/pci_regs.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "function_description.hpp"
#include "interrupts.hpp"

namespace prd32 {

/// The BAR with the MSI-X table and its pending bits.
///
/// Who masks a vector? QEMU shows its guest a table of its own and never touches this one, whose entries PCI requires
/// to start masked. So an entry's mask bit counts only once the client has written that entry's control word.
class MsixTable {
 public:
  MsixTable(const MsixDescription& place, unsigned vectors) : place_(place), vectors_(vectors) { reset(); }

  void reset();
  /// `pending`: bit n is vector n. The range is checked by the caller. Space outside of table and pending bits reads 0.
  void read(std::uint64_t offset, std::span<std::byte> data, std::uint32_t pending) const;
  /// Everything but the table ignores writes.
  void write(std::uint64_t offset, std::span<const std::byte> data);
  /// Bit n: the client masked vector n here.
  [[nodiscard]] std::uint32_t masked() const;

 private:
  MsixDescription place_;
  unsigned vectors_;
  std::array<std::uint8_t, std::size_t{kMaxVectors} * PCI_MSIX_ENTRY_SIZE> table_{};
  std::uint32_t control_written_ = 0;
};

}  // namespace prd32
