// SPDX-License-Identifier: Apache-2.0
// What is to be moved, and what came of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace prd32 {

/// Which way bytes go.
enum class Direction : std::uint32_t { kFromHost, kToHost };

/// What is on the card's side.
enum class Endpoint : std::uint32_t {
  kMemory,    ///< card memory
  kPattern,   ///< the pattern generator; to the host alone
  kChecksum,  ///< CRC-32C, given in Outcome::crc; from the host alone
  kLoopback,  ///< what was taken from the host goes back to it, in another request
};

/// A part of a buffer or dma-buf, as Buffer::slice() and DmaBuf::slice() give it. Does not keep what it is a part of.
struct Slice {
  std::uint32_t handle = 0;  ///< of a buffer; 0: of a dma-buf
  int descriptor = -1;       ///< of a dma-buf
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t length = 0;  ///< bytes
};

/// What the pattern generator does: the values of its registers, which docs/registers.md describes.
struct Pattern {
  std::uint32_t control = 0;
  std::uint32_t seed = 0;
  std::uint32_t rate = 0;
  std::uint32_t fifo = 0;
};

/// Bytes to be moved. Made by the functions below; the members may be changed afterwards.
///
/// Offsets, addresses and lengths are in bytes. A length is at least 1, and of the caller's memory at most
/// Info::max_request. The caller's memory may have any alignment where the other side is card memory; with other
/// endpoints it must be of multiples of Info::dma_alignment, and slices always of Info::granule.
struct Transfer {
  Direction direction = Direction::kFromHost;
  Endpoint endpoint = Endpoint::kMemory;
  std::uint64_t card_address = 0;  ///< offset into card memory; 0 with other endpoints
  std::uint64_t length = 0;
  void* memory = nullptr;  ///< memory of the caller; null: `slice` says where the host's bytes are
  Slice slice;
  Pattern pattern;  ///< with Endpoint::kPattern

  /// From the caller's memory, or a slice, to card memory.
  static Transfer to_card(std::uint64_t card_address, std::span<const std::byte> from);
  static Transfer to_card(std::uint64_t card_address, const Slice& from);
  /// From card memory to the caller's memory, or a slice.
  static Transfer from_card(std::uint64_t card_address, std::span<std::byte> to);
  static Transfer from_card(std::uint64_t card_address, const Slice& to);
  /// The CRC-32C of bytes, which the card computes and drops.
  static Transfer checksum(std::span<const std::byte> from);
  static Transfer checksum(const Slice& from);
  /// What the pattern generator makes.
  static Transfer generate(const Pattern& pattern, std::span<std::byte> to);
  static Transfer generate(const Pattern& pattern, const Slice& to);
  /// Into the loopback, and out of it again.
  static Transfer to_loopback(std::span<const std::byte> from);
  static Transfer from_loopback(std::span<std::byte> to);
};

/// How an accepted transfer ended.
struct Outcome {
  std::uint64_t moved = 0;  ///< bytes, from the beginning on, also with an error
  int error = 0;            ///< 0 or an errno: ECANCELED (aborted), EIO (the card's report is in the kernel's log),
                            ///< EOVERFLOW (the pattern's FIFO), E2BIG (with other endpoints than memory: too many
                            ///< pieces), ETIMEDOUT, ENODEV (the card is gone)
  std::uint32_t crc = 0;    ///< CRC-32C, with Endpoint::kChecksum
};

}  // namespace prd32
