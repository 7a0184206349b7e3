// SPDX-License-Identifier: Apache-2.0
#include "prd32/file_mapping.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace prd32 {
namespace {

constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20;  // of amd64, and of arm64 with pages of 4 KiB

std::uint64_t up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

void drop(std::byte* first, std::byte* end) {
  if (first != end) {
    ::munmap(first, static_cast<std::size_t>(end - first));
  }
}

/// A part of the address space of that size that nobody else gets, aligned. Null: there is none, errno says why.
std::byte* reserve(std::uint64_t size) {
  void* const found = ::mmap(nullptr, size + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED) {
    return nullptr;
  }
  auto* const start = static_cast<std::byte*>(found);
  const auto address = reinterpret_cast<std::uintptr_t>(found);
  std::byte* const aligned = start + (up(address, kHugePage) - address);
  drop(start, aligned);
  drop(aligned + size, start + size + kHugePage);
  return aligned;
}

}  // namespace

std::span<std::byte> map_file(int fd, std::uint64_t bytes, bool writable) {
  const std::uint64_t size = up(bytes, static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  std::byte* const place = reserve(size);
  if (place == nullptr) {
    return {};
  }
  const int protection = PROT_READ | (writable ? PROT_WRITE : 0);
  if (::mmap(place, size, protection, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0) == MAP_FAILED) {
    const int error = errno;
    drop(place, place + size);
    errno = error;
    return {};
  }
  return {place, bytes};
}

}  // namespace prd32
