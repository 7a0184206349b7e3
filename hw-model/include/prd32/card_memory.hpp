// SPDX-License-Identifier: Apache-2.0
// The memory on the card.
#pragma once

#include <cstdint>
#include <span>

namespace prd32 {

/// Zero-filled memory of a fixed size. Pages that nobody touched cost nothing, so a large card is free to start.
///
/// It is a file without a name, so that another process can map the same bytes. Its size is sealed: whoever has the
/// descriptor can neither shrink it under us nor make it grow.
class CardMemory {
 public:
  /// Throws std::system_error when the operating system refuses that many bytes.
  explicit CardMemory(std::uint64_t bytes);
  ~CardMemory();
  CardMemory(const CardMemory&) = delete;
  CardMemory& operator=(const CardMemory&) = delete;
  CardMemory(CardMemory&&) = delete;
  CardMemory& operator=(CardMemory&&) = delete;

  std::span<std::uint8_t> bytes() const { return bytes_; }

  /// The file, to be mapped shared from offset 0 on. Whoever wants it for longer than the memory lives duplicates it.
  int fd() const { return fd_; }

 private:
  int fd_;
  std::span<std::uint8_t> bytes_;
};

}  // namespace prd32
