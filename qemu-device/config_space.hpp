// SPDX-License-Identifier: Apache-2.0
// The configuration space of a PCI Express endpoint with power management, MSI (with per-vector masking) and MSI-X.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "function_description.hpp"

namespace prd32 {

inline constexpr std::uint32_t kConfigSpaceSize = 4096;

/// Registers with what each bit does on a write. The client may access it in any size and alignment, byte by byte.
class ConfigSpace {
 public:
  /// What a write asks the function to do beyond keeping the bits.
  struct Effect {
    bool function_reset = false;  ///< the driver asked for a function-level reset
    bool woke_up = false;         ///< D3hot to D0, which resets the function, as it does not have No_Soft_Reset
    bool interrupts = false;      ///< an enable or mask bit of INTx, MSI or MSI-X changed
    bool dma = false;             ///< Bus Master Enable or the power state changed
  };

  explicit ConfigSpace(const FunctionDescription& function);

  /// Offsets and sizes are checked by the caller to lie within kConfigSpaceSize.
  void read(std::uint32_t offset, std::span<std::byte> data) const;
  [[nodiscard]] Effect write(std::uint32_t offset, std::span<const std::byte> data);
  /// Every register to what it is after power-on.
  void reset();

  [[nodiscard]] bool bus_master() const;
  [[nodiscard]] bool in_d3() const;
  [[nodiscard]] bool intx_enabled() const;  ///< not disabled in COMMAND, and neither MSI nor MSI-X is on
  [[nodiscard]] bool msi_enabled() const;
  [[nodiscard]] bool msix_enabled() const;
  [[nodiscard]] bool msix_function_masked() const;
  /// Bit n: MSI vector n is masked.
  [[nodiscard]] std::uint32_t msi_masked() const;
  /// How many MSI vectors software has granted: a power of two, at most msi_vectors().
  [[nodiscard]] unsigned msi_granted() const;
  /// How many MSI vectors the capability offers: a power of two, at least the function's vectors.
  [[nodiscard]] unsigned msi_vectors() const { return msi_vectors_; }

  /// What the read-only status bits show.
  void show_intx(bool asserted);
  void show_msi_pending(std::uint32_t pending);

 private:
  void add_header(const FunctionDescription& function);
  void add_bar(const BarDescription& bar);
  void add_power_management();
  void add_msi();
  void add_msix(const MsixDescription& msix, unsigned vectors);
  void add_express();
  [[nodiscard]] bool write_byte(std::uint32_t offset, std::uint8_t value);
  /// Declares `size` bytes at `offset`: their value after reset, which bits a write changes and which it clears.
  void define(std::uint32_t offset, unsigned size, std::uint32_t value, std::uint32_t writable = 0,
              std::uint32_t write_one_clears = 0);
  [[nodiscard]] std::uint32_t get(std::uint32_t offset, unsigned size) const;
  void set(std::uint32_t offset, unsigned size, std::uint32_t value);

  std::array<std::uint8_t, kConfigSpaceSize> value_{};
  std::array<std::uint8_t, kConfigSpaceSize> initial_{};
  std::array<std::uint8_t, kConfigSpaceSize> writable_{};
  std::array<std::uint8_t, kConfigSpaceSize> clears_{};
  unsigned msi_vectors_ = 1;
  bool has_msix_ = false;
};

}  // namespace prd32
