// SPDX-License-Identifier: Apache-2.0
#include "prd32/card_memory.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

namespace prd32 {

CardMemory::CardMemory(std::uint64_t bytes) {
  void* const start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "card memory");
  }
  bytes_ = {static_cast<std::uint8_t*>(start), bytes};
}

CardMemory::~CardMemory() {
  munmap(bytes_.data(), bytes_.size());
}

}  // namespace prd32
