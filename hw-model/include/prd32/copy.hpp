// SPDX-License-Identifier: Apache-2.0
// Copying into card memory, which is seldom read soon.
#pragma once

#include <cstdint>
#include <span>

namespace prd32 {

/// Copies from.size() bytes into to, which must be as large; they must not overlap. Large copies bypass the processor's
/// cache where they can. Whatever the caller writes afterwards is seen after them.
void copy_past_cache(std::span<std::uint8_t> to, std::span<const std::uint8_t> from);

/// The same in the way that is the quicker one on this processor.
void copy_to_memory(std::span<std::uint8_t> to, std::span<const std::uint8_t> from);

}  // namespace prd32
