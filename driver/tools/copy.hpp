// SPDX-License-Identifier: Apache-2.0
// put, get and roundtrip: whole transfers with read() and write() of the device node, from page-scattered memory.
#pragma once

#include <cstdint>
#include <span>

#include "commands.hpp"
#include "scattered_buffer.hpp"
#include "system.hpp"

namespace prd32::ctl {

/// What the transfers of one command came to.
struct Total {
  std::uint64_t calls = 0;
  double seconds = 0;  ///< inside the system calls
};

inline constexpr std::uint64_t kCopyBytes = 64U << 20U;  ///< of a buffer; larger files go in several calls

/// Writes all of `data` to the card at `offset`. Throws std::system_error.
void write_card(const File& card, std::span<const std::uint8_t> data, std::uint64_t offset, Total& total);
/// Fills `data` from the card. Throws std::system_error, and Mismatch where the card ends.
void read_card(const File& card, std::span<std::uint8_t> data, std::uint64_t offset, Total& total);
/// The kernel copies `size` bytes with sendfile(); `card` is one of the two files, and begins at its offset.
Json splice(const CopyOptions& options, const File& source, const File& target, const File& card, std::uint64_t size);

/// What put and get found. Throws Mismatch when bytes next to the buffer were changed.
Json copy_result(const CopyOptions& options, std::uint64_t size, const ScatteredBuffer& buffer, const Total& total);
/// How scattered a buffer is, for a result; null when this user may not know.
Json pieces_of(const ScatteredBuffer& buffer);

}  // namespace prd32::ctl
