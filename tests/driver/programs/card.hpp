// SPDX-License-Identifier: Apache-2.0
// The card's file and what comes with it, as thin as can be: each call is one system call, and returns 0 or errno.
#pragma once

#include <fcntl.h>
#include <linux/prd32.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"

namespace prd32::uapi_test {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

using Bytes = std::vector<std::uint8_t>;

/// Bytes that differ from place to place and from seed to seed.
Bytes pattern(std::size_t size, unsigned seed);

/// A file descriptor, closed at the end of its life.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    reset();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const { return fd_; }
  void reset();

 private:
  int fd_ = -1;
};

/// A mapping, unmapped at the end of its life.
class Mapping {
 public:
  /// Anonymous memory.
  explicit Mapping(std::size_t size);
  /// Shared, of a file; throws Failure when that is refused.
  Mapping(int fd, std::size_t size, std::uint64_t offset);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::uint8_t* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<std::uint8_t> bytes() const { return {data_, size_}; }

 private:
  std::uint8_t* data_;
  std::size_t size_;
};

/// The errno of an attempt to map a file, 0 when it works; it is unmapped again.
int map_error(int fd, std::size_t size, std::uint64_t offset, int flags);

/// An argument of the interface: zero, apart from its size.
template <typename Argument>
Argument make() {
  Argument argument{};
  argument.size = sizeof(argument);
  return argument;
}

int call_raw(int fd, unsigned long number, void* argument);

struct Buffer {
  std::uint32_t handle;
  std::uint64_t offset;
  std::uint64_t length;
};

class Card {
 public:
  explicit Card(const std::string& path, int flags = O_RDWR);

  [[nodiscard]] int fd() const { return file_.get(); }
  void close() { file_.reset(); }
  template <typename Argument>
  int call(unsigned long number, Argument& argument) const {
    return call_raw(fd(), number, &argument);
  }
  [[nodiscard]] prd32_ioc_query query() const;
  /// A new buffer, whose handle is never 0.
  [[nodiscard]] Buffer buffer(prd32_buffer_kind kind, std::uint64_t length) const;
  [[nodiscard]] int free(std::uint32_t handle) const;
  [[nodiscard]] int sync(const Buffer& buffer, std::uint32_t to) const;
  [[nodiscard]] int sync(const Buffer& buffer, std::uint32_t to, std::uint64_t offset, std::uint64_t length) const;
  /// Exports a buffer; throws Failure when that is refused.
  [[nodiscard]] Descriptor exported(std::uint32_t handle) const;
  /// All bytes, or Failure.
  void write(std::uint64_t at, std::span<const std::uint8_t> bytes) const;
  [[nodiscard]] Bytes read(std::uint64_t at, std::size_t size) const;
  [[nodiscard]] int submit(prd32_ioc_submit& request) const { return call(PRD32_IOC_SUBMIT, request); }
  /// The next results, at most `room`, within `timeout_ns`.
  int results(std::vector<prd32_result>& found, std::uint32_t room, std::int64_t timeout_ns) const;
  /// The next result, which must come within ten seconds.
  [[nodiscard]] prd32_result result() const;
  [[nodiscard]] int abort(std::uint64_t cookie, std::uint32_t flags = 0) const;

 private:
  Descriptor file_;
};

/// A request for the caller's memory and card memory.
prd32_ioc_submit user_request(prd32_direction direction, std::uint64_t card_addr, std::span<const std::uint8_t> bytes,
                              std::uint64_t cookie = 0, std::uint32_t flags = 0);
/// The same for a buffer.
prd32_ioc_submit buffer_request(prd32_direction direction, std::uint64_t card_addr, const Buffer& buffer,
                                std::uint64_t cookie = 0, std::uint32_t flags = 0);
/// The same for a dma-buf.
prd32_ioc_submit dma_buf_request(prd32_direction direction, std::uint64_t card_addr, int fd, std::uint64_t offset,
                                 std::uint64_t length, std::uint32_t flags = 0);

/// Requests that occupy every channel until they are released: nobody feeds the loopback that they read.
class Blockade {
 public:
  explicit Blockade(const std::string& path);
  /// Ends them, and waits until they are.
  void release();
  [[nodiscard]] const Card& card() const { return card_; }
  [[nodiscard]] unsigned channels() const { return channels_; }

 private:
  Card card_;
  unsigned channels_;
  Mapping memory_;
};

/// Where two stretches of bytes differ first is part of the failure.
void expect_same(std::span<const std::uint8_t> actual, std::span<const std::uint8_t> expected, std::string_view what,
                 const std::source_location& at = std::source_location::current());

}  // namespace prd32::uapi_test
