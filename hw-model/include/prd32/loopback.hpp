// SPDX-License-Identifier: Apache-2.0
// The loopback between the channels: a ring of bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <systemc>
#include <vector>

#include "prd32/registers.hpp"

namespace prd32 {

class Loopback {
 public:
  std::uint64_t level() const { return level_; }                          ///< bytes in it
  std::uint64_t room() const { return limits::kLoopbackBytes - level_; }  ///< bytes that still fit
  const sc_core::sc_event& changed() const { return changed_; }           ///< bytes came, went, or were thrown away

  /// data.size() must not exceed room().
  void put(std::span<const std::uint8_t> data) {
    for_each_piece(first_ + level_, data.size(), [&](std::size_t from, std::span<std::uint8_t> piece) {
      std::copy_n(data.data() + from, piece.size(), piece.data());  // ranges::copy of const bytes goes byte by byte
    });
    level_ += data.size();
    changed_.notify(sc_core::SC_ZERO_TIME);
  }
  /// Copies the oldest bytes and leaves them where they are; out.size() must not exceed level().
  void peek(std::span<std::uint8_t> out) {
    for_each_piece(first_, out.size(), [&](std::size_t from, std::span<std::uint8_t> piece) {
      std::ranges::copy(piece, out.subspan(from).begin());
    });
  }
  /// Removes the oldest bytes; at most level().
  void drop(std::uint64_t bytes) {
    first_ = (first_ + bytes) % limits::kLoopbackBytes;
    level_ -= bytes;
    changed_.notify(sc_core::SC_ZERO_TIME);
  }
  /// Throws all of them away.
  void clear() {
    drop(level_);
    ++cleared_;
  }
  /// How often that happened: bytes that were looked at before are no longer there to be removed.
  std::uint64_t cleared() const { return cleared_; }

 private:
  /// Calls action for the one or two pieces of the ring that begin there.
  template <typename Action>
  void for_each_piece(std::uint64_t start, std::size_t bytes, Action action) {
    start %= limits::kLoopbackBytes;
    const std::size_t head = std::min<std::size_t>(bytes, limits::kLoopbackBytes - start);
    action(0, std::span(ring_).subspan(start, head));
    action(head, std::span(ring_).first(bytes - head));
  }

  std::vector<std::uint8_t> ring_ = std::vector<std::uint8_t>(limits::kLoopbackBytes);
  std::uint64_t first_ = 0;
  std::uint64_t level_ = 0;
  std::uint64_t cleared_ = 0;
  sc_core::sc_event changed_{"loopback_changed"};
};

}  // namespace prd32
