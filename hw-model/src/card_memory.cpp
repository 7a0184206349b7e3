// SPDX-License-Identifier: Apache-2.0
#include "prd32/card_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <system_error>

#include "prd32/file_mapping.hpp"

namespace prd32 {

namespace {

/// Ends the construction for what errno says; fd may be -1.
[[noreturn]] void refuse(int fd) {
  const int error = errno;
  if (fd >= 0) {
    close(fd);
  }
  throw std::system_error(error, std::generic_category(), "card memory");
}

int sealed_file(std::uint64_t bytes) {
  const int fd = memfd_create("prd32-card-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  // The last seal keeps others from adding one that would stop us, or whoever maps the file next, from writing.
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(bytes)) != 0 ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    refuse(fd);
  }
  return fd;
}

}  // namespace

CardMemory::CardMemory(std::uint64_t bytes) : fd_(sealed_file(bytes)) {
  const std::span<std::byte> mapped = map_file(fd_, bytes, true);
  if (mapped.empty()) {
    refuse(fd_);
  }
  bytes_ = {reinterpret_cast<std::uint8_t*>(mapped.data()), mapped.size()};
}

CardMemory::~CardMemory() {
  munmap(bytes_.data(), bytes_.size());
  close(fd_);
}

}  // namespace prd32
