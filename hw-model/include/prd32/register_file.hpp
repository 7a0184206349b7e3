// SPDX-License-Identifier: Apache-2.0
// The first step of a transfer: what an access to the card's address space reads and changes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <systemc>

#include "prd32/registers.hpp"

namespace prd32 {

/// Holds every register of the generated table and applies each bit's access rule. What a register does beyond being
/// read and written is a hook, attached by the register's name.
class RegisterFile {
 public:
  enum class Result : std::uint8_t {
    kOk,
    kMalformed,  ///< not 1, 2 or 4 bytes, or not naturally aligned; nothing was read or changed
    kOutside,    ///< past the card's address space; nothing was read or changed
  };

  /// A write to one register, after the access rules were applied.
  struct Write {
    unsigned instance;
    std::uint32_t before;   ///< the register's value until now
    std::uint32_t after;    ///< its value when the hook does not object
    std::uint32_t written;  ///< the bits that the access brought; 0 in bytes that it did not reach
  };
  /// Returns the value to store.
  using WriteHook = std::function<std::uint32_t(const Write&)>;
  /// Returns the value of a register whose bits live elsewhere.
  using ReadHook = std::function<std::uint32_t(unsigned instance)>;

  RegisterFile();

  /// An access from outside, little endian, 1, 2 or 4 bytes at a multiple of their number.
  Result read(std::uint64_t offset, std::span<std::uint8_t> out) const;
  Result write(std::uint64_t offset, std::span<const std::uint8_t> in);

  /// The card's own access to the register at exactly this offset: no access rules, no write hook.
  std::uint32_t get(std::uint32_t offset) const;
  void set(std::uint32_t offset, std::uint32_t value);
  /// Where the value of the register at exactly this offset is kept, unless its bits live elsewhere.
  std::uint32_t& storage(std::uint32_t offset);

  /// Called for each write that reaches at least one byte of the register. Throws std::invalid_argument when the map
  /// has no register of that name.
  void on_write(std::string_view name, WriteHook hook);
  void on_read(std::string_view name, ReadHook hook);

  /// Replaces the map's reset value, and the present one, where the configuration decides.
  void set_reset(std::uint32_t offset, std::uint32_t value);

  /// Every register to its reset value; calls no hook.
  void reset();
  /// The registers of that instance of every block; calls no hook.
  void reset_instance(unsigned instance);

  /// Lets the registers appear in a waveform as owner.REGISTER.
  void trace(sc_core::sc_trace_file* file, const std::string& owner) const;

 private:
  struct Entry {
    std::uint32_t value = 0;
    std::uint32_t reset = 0;
    WriteHook on_write;
    ReadHook on_read;
  };

  static Result check(std::uint64_t offset, std::size_t bytes);
  std::uint32_t value(std::size_t index) const;
  void write_register(std::size_t index, std::uint32_t written, std::uint32_t lanes);

  std::array<Entry, regs::kTable.size()> entries_;
};

}  // namespace prd32
