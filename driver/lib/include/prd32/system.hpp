// SPDX-License-Identifier: Apache-2.0
// What the library asks of the kernel, so that programs can be tested where there is no card.
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <ctime>

namespace prd32 {

/// The system calls of the library. Each returns what the call of its name does, and -errno where that gives -1.
///
/// Calls may come from several threads at once.
class System {
 public:
  System() = default;
  System(const System&) = delete;
  System& operator=(const System&) = delete;
  virtual ~System() = default;

  virtual int open(const char* path, int flags) = 0;
  virtual int close(int descriptor) = 0;
  virtual int ioctl(int descriptor, unsigned long request, void* argument) = 0;
  virtual std::int64_t pread(int descriptor, void* to, std::size_t bytes, std::uint64_t offset) = 0;
  virtual std::int64_t pwrite(int descriptor, const void* from, std::size_t bytes, std::uint64_t offset) = 0;
  /// Maps shared memory, readable and writable. Returns 0 and its place, or -errno.
  virtual int map(int descriptor, std::size_t bytes, std::uint64_t offset, void** place) = 0;
  virtual int unmap(void* place, std::size_t bytes) = 0;
  /// As ppoll(2) with no signal blocked; a null limit is for ever. Of the files, all but the device's are events of the
  /// library's own.
  virtual int poll(pollfd* files, std::size_t count, const std::timespec* limit) = 0;

  /// The real one.
  static System& native();
};

}  // namespace prd32
