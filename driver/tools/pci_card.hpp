// SPDX-License-Identifier: Apache-2.0
// The card without its driver: found in sysfs, reached through its I/O ports, its mapped registers and its memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "system.hpp"

namespace prd32::ctl {

/// A card's PCI function in sysfs.
class PciCard {
 public:
  /// All cards, whatever driver they have.
  static std::vector<PciCard> all();
  /// What the PCI id of a card is, as lspci -d takes it: 1234:3270.
  static std::string id();
  /// Finds the card by its PCI id, and its address (0000:01:00.0) unless that is empty. Throws std::runtime_error when
  /// there is none or more than one.
  static PciCard find(const std::string& wanted);

  [[nodiscard]] const std::string& address() const { return address_; }
  /// The path of one of the function's files in sysfs.
  [[nodiscard]] std::string path(const std::string& name) const;
  /// The name of the bound driver, or nothing.
  [[nodiscard]] std::optional<std::string> driver() const;
  /// The first I/O port of the bus-master block.
  [[nodiscard]] std::uint16_t io_base() const;

 private:
  explicit PciCard(std::string address) : address_(std::move(address)) {}
  std::string address_;
};

/// The card's driver is unbound and the function enabled, until the end of this object's life.
///
/// It has to be: a bound driver's interrupt handler would clear the status that we want to see, and the kernel does
/// not map registers into user space that a driver holds.
class WithoutDriver {
 public:
  explicit WithoutDriver(const PciCard& card);
  /// Binds the driver again; throws when that fails.
  void restore();
  ~WithoutDriver();
  WithoutDriver(const WithoutDriver&) = delete;
  WithoutDriver& operator=(const WithoutDriver&) = delete;

 private:
  const PciCard& card_;
  std::optional<std::string> driver_;
  bool restored_ = false;
};

/// Access to the bus-master block through I/O ports, a byte at a time. The kernel does it, for a write or read of the
/// BAR's file in sysfs: processors other than x86 have no instruction for it.
class BusMasterPorts {
 public:
  /// Opens the file, which root may.
  explicit BusMasterPorts(const PciCard& card);
  /// `offset`: of a byte in the I/O BAR.
  [[nodiscard]] std::uint8_t read(std::uint32_t offset) const;
  void write(std::uint32_t offset, std::uint8_t value) const;

 private:
  File file_;
};

/// The card's registers, mapped read-only.
class MappedRegisters {
 public:
  explicit MappedRegisters(const PciCard& card);
  /// `offset`: of a 32-bit register in the MMIO BAR.
  [[nodiscard]] std::uint32_t read(std::uint32_t offset) const;

 private:
  File file_;
  Mapping mapping_;
};

/// Card memory, mapped. A driver may be bound: ours leaves the BAR alone.
class MappedMemory {
 public:
  /// Maps the first `bytes` of it, readable and writable. `combining`: the processor may put writes together, which
  /// makes it normal memory to an arm64. Throws std::invalid_argument when the BAR has not so many bytes.
  MappedMemory(const PciCard& card, std::size_t bytes, bool combining);
  [[nodiscard]] std::uint8_t* data() const { return mapping_.data(); }

 private:
  File file_;
  Mapping mapping_;
};

}  // namespace prd32::ctl
