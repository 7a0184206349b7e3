// SPDX-License-Identifier: Apache-2.0
// Host and card memory of a case: known bytes at the start, cheap to make anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "case.hpp"

namespace prd32::oracle {

/// Host memory as the bus shows it: an access succeeds when every byte of it is mapped (and writable), or does nothing.
class HostMemory {
 public:
  struct Stretch {
    std::uint64_t address;
    std::uint64_t bytes;
    bool writable;
    std::size_t place;  ///< in the buffer
  };

  /// The memory that the case begins with. Pointers from before are void.
  void build(const Case& scene);

  bool read(std::uint64_t address, std::span<std::uint8_t> data) const;
  bool write(std::uint64_t address, std::span<const std::uint8_t> data);
  /// Software writes, where there is memory.
  void store(std::uint64_t address, const CommandWords& words);
  /// The region around the address; nullptr when there is none.
  const Stretch* region(std::uint64_t address) const;
  const std::vector<Stretch>& regions() const { return stretches_; }
  std::span<std::uint8_t> bytes(const Stretch& stretch) {
    return std::span(buffer_).subspan(stretch.place, stretch.bytes);
  }
  std::span<const std::uint8_t> bytes(const Stretch& stretch) const {
    return std::span(buffer_).subspan(stretch.place, stretch.bytes);
  }

 private:
  void put(const Table& table);
  void put(std::uint64_t address, std::uint8_t byte);
  const Stretch* reach(std::uint64_t address, std::uint64_t bytes, bool writing) const;

  std::vector<Stretch> stretches_;
  std::vector<std::uint8_t> buffer_;  // regions that touch in address touch here
};

/// Card memory that notes where it was written.
class CardImage {
 public:
  /// The bytes that each case begins with, for a card of any size.
  static std::span<const std::uint8_t> pristine();

  explicit CardImage(std::uint64_t bytes);
  std::uint64_t size() const { return bytes_.size(); }
  std::uint8_t read(std::uint64_t offset) const { return bytes_[offset]; }
  void read(std::uint64_t offset, std::span<std::uint8_t> data) const;
  void write(std::uint64_t offset, std::span<const std::uint8_t> data);
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  /// First and one-past-last offsets of what was written since restore().
  const std::vector<std::pair<std::uint64_t, std::uint64_t>>& touched() const { return touched_; }
  void restore();

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> touched_;
};

}  // namespace prd32::oracle
