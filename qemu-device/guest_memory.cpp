// SPDX-License-Identifier: Apache-2.0
#include "guest_memory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <span>

#include "prd32/file_mapping.hpp"

namespace prd32 {
namespace {

/// Files that stay mapped without a user. They hold on to the client's memory, so there are few.
constexpr std::size_t kIdleFiles = 4;

// The program has one thread, so one jump target is enough. Volatile, because a signal handler reads it.
sigjmp_buf copy_failed;
volatile std::sig_atomic_t copying = 0;

void on_sigbus(int number) {
  if (copying != 0) {
    copying = 0;
    siglongjmp(copy_failed, 1);
  }
  // Not ours: let the default action end the program, as it would have without this handler.
  (void)std::signal(number, SIG_DFL);
  (void)std::raise(number);
}

bool of_huge_pages(int fd) {
  struct statfs system{};
  return ::fstatfs(fd, &system) != 0 || system.f_type == HUGETLBFS_MAGIC;
}

bool install_guard() {
  struct sigaction action{};
  action.sa_handler = on_sigbus;
  action.sa_flags = SA_NODEFER;  // the handler is left by a jump that does not restore the signal mask
  return ::sigaction(SIGBUS, &action, nullptr) == 0;
}

}  // namespace

bool guarded_copy(std::byte* to, const std::byte* from, std::size_t size) {
  static const bool installed = install_guard();
  if (!installed || sigsetjmp(copy_failed, 0) != 0) {
    return false;
  }
  copying = 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // keeps the copy between the two assignments
  std::memcpy(to, from, size);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  copying = 0;
  return true;
}

MemoryFile::~MemoryFile() {
  if (base_ != nullptr) {
    ::munmap(base_, size_);
  }
}

int MemoryFile::map(int fd, std::uint64_t size, bool writable) {
  const std::span<std::byte> mapped = map_file(fd, size, writable);
  if (mapped.empty()) {
    return errno;
  }
  if (base_ != nullptr) {
    ::munmap(base_, size_);
  }
  base_ = mapped.data();
  size_ = size;
  writable_ = writable;
  return 0;
}

GuestMemory::Result GuestMemory::acquire(const UniqueFd& fd, std::uint64_t offset, std::uint64_t size, bool writable) {
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) {
    return {.error = errno};
  }
  const auto file_size = static_cast<std::uint64_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || size == 0 || offset > file_size || size > file_size - offset) {
    return {.error = EINVAL};
  }
  const Identity identity{status.st_dev, status.st_ino};
  const auto [entry, inserted] = files_.try_emplace(identity);
  MemoryFile& file = entry->second;
  file.identity_ = identity;
  Result result{.error = 0, .file = &file, .moved = false};
  if (file.size_ < offset + size || (writable && !file.writable_)) {
    // The whole file, even when only a window was asked for: the next window then costs nothing. And never less than
    // before: the file may have shrunk, but older windows must go on pointing into the mapping.
    result.error = map(file, fd.get(), std::max(file_size, file.size_), writable || file.writable_);
    if (result.error != 0) {
      if (inserted) {
        files_.erase(entry);
      }
      return {.error = result.error};
    }
    result.moved = !inserted;
  }
  // Read each time: a client may seal a file after it first showed it.
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  file.cannot_shrink_ =
      seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && file_size >= file.size_ && !of_huge_pages(fd.get());
  if (file.users_++ == 0) {
    std::erase(idle_, identity);
  }
  return result;
}

int GuestMemory::map(MemoryFile& file, int fd, std::uint64_t size, bool writable) {
  const auto too_much = [&] { return size > kMostMapped || mapped_ - file.size_ > kMostMapped - size; };
  std::erase(idle_, file.identity_);
  while (too_much() && !idle_.empty()) {
    drop_oldest_idle();
  }
  const std::uint64_t before = file.size_;
  const int error = too_much() ? ENOMEM : file.map(fd, size, writable);
  if (error == 0) {
    mapped_ += size - before;
  } else if (file.users_ == 0 && before != 0) {
    idle_.push_back(file.identity_);
  }
  return error;
}

void GuestMemory::release(MemoryFile* file) {
  if (--file->users_ > 0) {
    return;
  }
  idle_.push_back(file->identity_);
  if (idle_.size() > kIdleFiles) {
    drop_oldest_idle();
  }
}

void GuestMemory::drop_oldest_idle() {
  const auto oldest = files_.find(idle_.front());
  mapped_ -= oldest->second.size_;
  files_.erase(oldest);
  idle_.pop_front();
}

void GuestMemory::clear() {
  idle_.clear();
  files_.clear();
  mapped_ = 0;
}

}  // namespace prd32
