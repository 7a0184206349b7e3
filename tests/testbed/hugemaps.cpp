// SPDX-License-Identifier: Apache-2.0
// Stands before glibc's in compilers (LD_PRELOAD; see heap.py). GCC has its memory from mmap(), in pieces of 2 MiB, and
// maps its precompiled header to write into it: a page fault for each page of both that it touches.
#include <linux/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <bit>
#include <cstddef>
#include <cstdint>

extern "C" int madvise(void* start, std::size_t size, int advice) noexcept;

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20U;
constexpr std::size_t kWorthCopying = std::size_t{8} << 20U;
constexpr int kProtWrite = 2;
constexpr int kProtExec = 4;
constexpr int kAdviseHugePages = 14;  // MADV_HUGEPAGE

void* map(void* where, std::size_t size, int access, int flags, int file, off_t from) {
  return std::bit_cast<void*>(syscall(SYS_mmap, where, size, access, flags, file, from));  // sets errno
}

bool failed(const void* mapping) {
  return reinterpret_cast<std::intptr_t>(mapping) == -1;
}

/// Whether a private mapping of a file is to be written into: then a copy of it is the same.
bool is_own_copy(std::size_t size, int access, int flags) {
  return (flags & MAP_TYPE) == MAP_PRIVATE && (access & kProtWrite) != 0 && (access & kProtExec) == 0 &&
         (flags & MAP_FIXED) == 0 && size >= kWorthCopying;
}

/// The whole of it is read; where that ends early, there is no such memory.
bool fill(std::byte* to, std::size_t size, int file, off_t from) {
  while (size != 0) {
    const ssize_t count = pread(file, to, size, from);
    if (count <= 0) {
      return false;
    }
    to += count;
    size -= static_cast<std::size_t>(count);
    from += count;
  }
  return true;
}

}  // namespace

extern "C" void* mmap(void* where, std::size_t size, int access, int flags, int file, off_t from) noexcept {
  if ((flags & MAP_ANONYMOUS) != 0) {
    void* const mapping = map(where, size, access, flags, file, from);
    if (!failed(mapping) && size >= kHugePage) {
      static_cast<void>(madvise(mapping, size, kAdviseHugePages));
    }
    return mapping;
  }
  if (is_own_copy(size, access, flags)) {
    void* const copy = map(where, size, access, flags | MAP_ANONYMOUS, -1, 0);
    if (!failed(copy)) {
      static_cast<void>(madvise(copy, size, kAdviseHugePages));
      if (fill(static_cast<std::byte*>(copy), size, file, from)) {
        return copy;
      }
      static_cast<void>(syscall(SYS_munmap, copy, size));
    }
  }
  return map(where, size, access, flags, file, from);
}

extern "C" void* mmap64(void* where, std::size_t size, int access, int flags, int file, off_t from) noexcept {
  return mmap(where, size, access, flags, file, from);
}
