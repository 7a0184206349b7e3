// SPDX-License-Identifier: Apache-2.0
// Memory files in this process's address space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace prd32 {

/// Maps the first `bytes` bytes of a memory file, shared; at least 1. A file that consists of huge pages is mapped by
/// them, which needs an address as aligned as they are. Without an address the result is empty, and errno says why.
/// Give it back with munmap().
[[nodiscard]] std::span<std::byte> map_file(int fd, std::uint64_t bytes, bool writable);

}  // namespace prd32
