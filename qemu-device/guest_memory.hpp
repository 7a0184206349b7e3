// SPDX-License-Identifier: Apache-2.0
// The client's memory files, mapped into this process, and copying from and to them that survives a peer who truncates
// a file under the mapping.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <utility>

#include "unique_fd.hpp"

namespace prd32 {

/// One file of client memory, mapped from its start. Referenced by any number of DMA mappings.
class MemoryFile {
 public:
  MemoryFile() = default;
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile();

  [[nodiscard]] std::byte* at(std::uint64_t offset) const { return base_ + offset; }
  [[nodiscard]] bool writable() const { return writable_; }
  /// True when all that is mapped is there and stays so: its memory may then be accessed without a guard. The file is
  /// sealed against shrinking, and not of huge pages: a hole in those is filled only as long as the pool has some.
  [[nodiscard]] bool cannot_shrink() const { return cannot_shrink_; }

 private:
  friend class GuestMemory;
  using Identity = std::pair<dev_t, ino_t>;
  [[nodiscard]] int map(int fd, std::uint64_t size, bool writable);

  Identity identity_;
  std::byte* base_ = nullptr;
  std::uint64_t size_ = 0;
  bool writable_ = false;
  bool cannot_shrink_ = false;
  std::size_t users_ = 0;
};

/// The most bytes of client files mapped at a time. A sparse file costs its owner nothing, and must not use up the
/// address space that this program needs itself.
inline constexpr std::uint64_t kMostMapped = std::uint64_t{1} << 45;

/// All memory files. A file is mapped once, however many windows of it the client maps for DMA: a client with a virtual
/// IOMMU sends one DMA_MAP for every 4 KiB page.
class GuestMemory {
 public:
  struct Result {
    int error = 0;               ///< an errno, or 0
    MemoryFile* file = nullptr;  ///< set when error is 0; give it back with release()
    bool moved = false;          ///< the file was mapped anew: pointers from MemoryFile::at() are stale
  };

  /// Makes bytes [offset, offset + size) of the file accessible. EINVAL: not a regular file, or shorter than that;
  /// EACCES: opened read-only while `writable`; ENOMEM: the files are larger than kMostMapped; or what mmap() says.
  [[nodiscard]] Result acquire(const UniqueFd& fd, std::uint64_t offset, std::uint64_t size, bool writable);
  void release(MemoryFile* file);
  void clear();
  [[nodiscard]] std::size_t files() const { return files_.size(); }

 private:
  using Identity = MemoryFile::Identity;
  [[nodiscard]] int map(MemoryFile& file, int fd, std::uint64_t size, bool writable);
  void drop_oldest_idle();

  std::map<Identity, MemoryFile> files_;
  std::uint64_t mapped_ = 0;  ///< bytes of all files_
  std::list<Identity> idle_;  ///< no users, kept because a driver that maps and unmaps will want them again
};

/// Copies `size` bytes where one side is client memory. False when that memory turned out not to be there any more,
/// which the kernel tells by SIGBUS; some bytes may have been copied.
[[nodiscard]] bool guarded_copy(std::byte* to, const std::byte* from, std::size_t size);

}  // namespace prd32
