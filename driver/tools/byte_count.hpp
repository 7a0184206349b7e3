// SPDX-License-Identifier: Apache-2.0
// Numbers of bytes, as people write them.
#pragma once

#include <cstdint>
#include <string_view>

namespace prd32::ctl {

/// 4096, 64K, 16MiB (powers of 1024, in either case, up to T) or 0x1000, which takes no suffix: 0x2b is not 2 bytes.
/// Throws std::invalid_argument for anything else, and for what 64 bits cannot hold.
std::uint64_t byte_count(std::string_view text);

}  // namespace prd32::ctl
