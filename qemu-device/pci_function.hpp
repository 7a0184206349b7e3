// SPDX-License-Identifier: Apache-2.0
// The card as a PCI function: what a vfio-user session drives, free of SystemC and of any knowledge of registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "config_space.hpp"
#include "function_description.hpp"
#include "interrupts.hpp"
#include "msix_table.hpp"
#include "prd32/violation.hpp"

namespace prd32 {

/// The card behind the function.
class CardPort {
 public:
  CardPort() = default;
  CardPort(const CardPort&) = delete;
  CardPort& operator=(const CardPort&) = delete;
  virtual ~CardPort() = default;

  /// An access of a size that the space takes, at an address of that space. False when the card refuses it.
  [[nodiscard]] virtual bool read(CardSpace space, std::uint64_t address, std::span<std::byte> data) = 0;
  [[nodiscard]] virtual bool write(CardSpace space, std::uint64_t address, std::span<const std::byte> data) = 0;
  /// The card's register state to what it is after power-on; engines stop.
  virtual void reset() = 0;
};

/// Whether the function is there. kAllOnes: its BARs read all ones and ignore writes, as on a bus without an answer;
/// kRemoved: configuration space, too.
enum class Presence : std::uint8_t { kPresent, kAllOnes, kRemoved };

class PciFunction {
 public:
  /// Throws std::invalid_argument when the description is impossible.
  PciFunction(const FunctionDescription& description, CardPort& card, ViolationLog& violations);

  /// Bytes in a VFIO region, 0 for one that the function does not have.
  [[nodiscard]] std::uint64_t region_size(std::uint32_t region) const;

  /// What a client may map of a region.
  struct Mapping {
    int fd = -1;
    std::uint64_t offset = 0;  ///< in the file, of the region's first byte
    std::uint64_t size = 0;    ///< bytes from there on
  };
  [[nodiscard]] std::optional<Mapping> mapping(std::uint32_t region) const;

  /// REGION_READ and REGION_WRITE. Return 0 or an errno: EINVAL for a range outside of the region, and for a BAR access
  /// that is not of 1, 2, 4 or 8 bytes, unless the BAR shows card memory. 8 bytes of registers become two accesses of
  /// 4, lower half first. What the card refuses reads as all ones and ignores writes, as on a real bus, and is recorded
  /// as "mmio-bad-access". BARs answer whatever the COMMAND register says about decoding: the client does the decoding.
  [[nodiscard]] int region_read(std::uint32_t region, std::uint64_t offset, std::span<std::byte> data);
  [[nodiscard]] int region_write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data);

  /// DEVICE_RESET, function-level reset and the way back from D3hot. What the client set up (DMA mappings, eventfds)
  /// stays.
  void reset();
  /// The client went: its eventfds are closed, the card and configuration space are as after power-on.
  void disconnect();

  void set_presence(Presence presence) { presence_ = presence; }

  /// Null while the function may access memory, else the rule that an access breaks.
  [[nodiscard]] const char* dma_refusal() const;
  /// Called when DMA was allowed and no longer is.
  void on_dma_blocked(std::function<void()> hook) { dma_blocked_ = std::move(hook); }

  /// One of the card's interrupt lines changed.
  void set_line(unsigned vector, bool high) { interrupts_.set_line(vector, high); }
  [[nodiscard]] Interrupts& interrupts() { return interrupts_; }
  [[nodiscard]] const Interrupts& interrupts() const { return interrupts_; }

 private:
  [[nodiscard]] const BarDescription* bar(std::uint32_t region) const;
  [[nodiscard]] bool is_msix(std::uint32_t region) const { return msix_ && description_.msix->bar == region; }
  [[nodiscard]] bool answers(std::uint32_t region) const;
  [[nodiscard]] int check(std::uint32_t region, std::uint64_t offset, std::size_t size) const;
  void bar_read(const BarDescription& bar, std::uint64_t offset, std::span<std::byte> data);
  void bar_write(const BarDescription& bar, std::uint64_t offset, std::span<const std::byte> data);
  void config_write(std::uint32_t offset, std::span<const std::byte> data);
  void bad_access(const char* rule, std::uint32_t bar, std::uint64_t address, std::size_t size, bool write);
  void update_interrupts();

  FunctionDescription description_;
  CardPort& card_;
  ViolationLog& violations_;
  ConfigSpace config_;
  Interrupts interrupts_;
  std::optional<MsixTable> msix_;
  Presence presence_ = Presence::kPresent;
  std::function<void()> dma_blocked_;
};

}  // namespace prd32
