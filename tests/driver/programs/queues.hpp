// SPDX-License-Identifier: Apache-2.0
// The kernel's two interfaces for reads and writes that nobody waits for, without their libraries.
#pragma once

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <sys/uio.h>

#include <cstdint>
#include <map>
#include <span>

#include "card.hpp"

namespace prd32::uapi_test {

/// io_uring.
class Ring {
 public:
  explicit Ring(unsigned entries);
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  /// Lets the kernel keep this memory pinned; `fixed` reads and writes are then to or from it.
  int keep(std::span<std::uint8_t> memory);
  /// Queues a read (IORING_OP_READ and so on) of card memory and submits it.
  void submit(std::uint8_t operation, int fd, std::span<std::uint8_t> memory, std::uint64_t at, std::uint64_t cookie);
  /// The same with several pieces of memory (IORING_OP_READV and so on).
  void submit(std::uint8_t operation, int fd, std::span<const iovec> memory, std::uint64_t at, std::uint64_t cookie);
  /// Waits for `count` more completions: cookie to result.
  std::map<std::uint64_t, int> wait(unsigned count);
  /// How many there are that nobody has waited for.
  [[nodiscard]] unsigned ready() const;

 private:
  void submit(std::uint8_t operation, int fd, const void* data, std::size_t count, std::uint64_t at,
              std::uint64_t cookie);
  [[nodiscard]] std::uint32_t* submission(std::uint32_t offset) const;
  [[nodiscard]] std::uint32_t* completion(std::uint32_t offset) const;

  io_uring_params parameters_{};
  Descriptor ring_;
  std::uint8_t* submissions_ = nullptr;
  std::uint8_t* completions_ = nullptr;
  io_uring_sqe* entries_ = nullptr;
};

/// What libaio is made of.
class AioContext {
 public:
  explicit AioContext(unsigned entries);
  AioContext(const AioContext&) = delete;
  AioContext& operator=(const AioContext&) = delete;
  ~AioContext();

  /// IOCB_CMD_PREAD or IOCB_CMD_PWRITE.
  void submit(std::uint16_t operation, int fd, std::span<std::uint8_t> memory, std::uint64_t at, std::uint64_t cookie);
  /// The same with several pieces of memory (IOCB_CMD_PREADV or IOCB_CMD_PWRITEV).
  void submit(std::uint16_t operation, int fd, std::span<const iovec> memory, std::uint64_t at, std::uint64_t cookie);
  /// As Ring::wait.
  std::map<std::uint64_t, int> wait(unsigned count);
  /// Those that there are, at once.
  std::map<std::uint64_t, int> ready();

 private:
  void submit(std::uint16_t operation, int fd, const void* data, std::size_t count, std::uint64_t at,
              std::uint64_t cookie);
  std::map<std::uint64_t, int> events(unsigned least, unsigned most, bool block);
  aio_context_t context_ = 0;
};

}  // namespace prd32::uapi_test
