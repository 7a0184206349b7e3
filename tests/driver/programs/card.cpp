// SPDX-License-Identifier: Apache-2.0
#include "card.hpp"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace prd32::uapi_test {
namespace {

constexpr std::int64_t kTenSeconds = 10'000'000'000;

std::uint8_t* mapped(int fd, std::size_t size, std::uint64_t offset, int flags) {
  void* const data = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, static_cast<off_t>(offset));
  return data == MAP_FAILED ? nullptr : static_cast<std::uint8_t*>(data);
}

}  // namespace

void expect_error(int actual, int expected, std::string_view what, const std::source_location& at) {
  if (actual != expected) {
    std::ostringstream text;
    text << what << ": " << strerror(actual) << ", not " << strerror(expected);
    fail(text.str(), at);
  }
}

void expect_same(std::span<const std::uint8_t> actual, std::span<const std::uint8_t> expected, std::string_view what,
                 const std::source_location& at) {
  expect_equal(actual.size(), expected.size(), what, at);
  const auto [found, wanted] = std::mismatch(actual.begin(), actual.end(), expected.begin());
  if (found != actual.end()) {
    std::ostringstream text;
    text << what << ": byte " << found - actual.begin() << " of " << actual.size() << " is " << +*found << ", not "
         << +*wanted;
    fail(text.str(), at);
  }
}

Bytes pattern(std::size_t size, unsigned seed) {
  Bytes bytes(size);
  std::uint32_t state = seed * 2654435761U + 1;
  for (auto& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::uint8_t>(state >> 24U);
  }
  return bytes;
}

void Descriptor::reset() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  fd_ = -1;
}

Mapping::Mapping(std::size_t size) : data_(mapped(-1, size, 0, MAP_PRIVATE | MAP_ANONYMOUS)), size_(size) {
  expect(data_ != nullptr, "anonymous memory");
}

Mapping::Mapping(int fd, std::size_t size, std::uint64_t offset)
    : data_(mapped(fd, size, offset, MAP_SHARED)), size_(size) {
  expect(data_ != nullptr, std::string("mmap: ") + strerror(errno));
}

Mapping::~Mapping() {
  munmap(data_, size_);
}

int map_error(int fd, std::size_t size, std::uint64_t offset, int flags) {
  std::uint8_t* const data = mapped(fd, size, offset, flags);
  if (data == nullptr) {
    return errno;
  }
  munmap(data, size);
  return 0;
}

int call_raw(int fd, unsigned long number, void* argument) {
  return ioctl(fd, number, argument) < 0 ? errno : 0;
}

Card::Card(const std::string& path, int flags) : file_(::open(path.c_str(), flags | O_CLOEXEC)) {
  expect(file_.get() >= 0, path + ": " + strerror(errno));
}

prd32_ioc_query Card::query() const {
  auto argument = make<prd32_ioc_query>();
  expect_ok(call(PRD32_IOC_QUERY, argument), "QUERY");
  return argument;
}

Buffer Card::buffer(prd32_buffer_kind kind, std::uint64_t length) const {
  auto argument = make<prd32_ioc_buffer_alloc>();
  argument.kind = kind;
  argument.length = length;
  expect_ok(call(PRD32_IOC_BUFFER_ALLOC, argument), "BUFFER_ALLOC");
  expect(argument.handle != 0 && argument.mmap_offset != 0, "the handle and its offset are not 0");
  return {argument.handle, argument.mmap_offset, length};
}

int Card::free(std::uint32_t handle) const {
  auto argument = make<prd32_ioc_buffer_free>();
  argument.handle = handle;
  return call(PRD32_IOC_BUFFER_FREE, argument);
}

int Card::sync(const Buffer& buffer, std::uint32_t to) const {
  return sync(buffer, to, 0, buffer.length);
}

int Card::sync(const Buffer& buffer, std::uint32_t to, std::uint64_t offset, std::uint64_t length) const {
  auto argument = make<prd32_ioc_buffer_sync>();
  argument.handle = buffer.handle;
  argument.sync = to;
  argument.offset = offset;
  argument.length = length;
  return call(PRD32_IOC_BUFFER_SYNC, argument);
}

Descriptor Card::exported(std::uint32_t handle) const {
  auto argument = make<prd32_ioc_export>();
  argument.handle = handle;
  expect_ok(call(PRD32_IOC_EXPORT, argument), "EXPORT");
  return Descriptor(argument.fd);
}

void Card::write(std::uint64_t at, std::span<const std::uint8_t> bytes) const {
  expect_equal(pwrite(fd(), bytes.data(), bytes.size(), static_cast<off_t>(at)), bytes.size(), "bytes written");
}

Bytes Card::read(std::uint64_t at, std::size_t size) const {
  Bytes bytes(size);
  expect_equal(pread(fd(), bytes.data(), size, static_cast<off_t>(at)), size, "bytes read");
  return bytes;
}

int Card::results(std::vector<prd32_result>& found, std::uint32_t room, std::int64_t timeout_ns) const {
  auto argument = make<prd32_ioc_result>();
  found.resize(room);
  argument.results = reinterpret_cast<std::uintptr_t>(found.data());
  argument.result_size = sizeof(prd32_result);
  argument.count = room;
  argument.timeout_ns = timeout_ns;
  const int error = call(PRD32_IOC_RESULT, argument);
  found.resize(error != 0 ? 0 : argument.count);
  return error;
}

prd32_result Card::result() const {
  std::vector<prd32_result> found;
  expect_ok(results(found, 1, kTenSeconds), "RESULT");
  expect_equal(found.size(), 1U, "results");
  return found.front();
}

int Card::abort(std::uint64_t cookie, std::uint32_t flags) const {
  auto argument = make<prd32_ioc_abort>();
  argument.cookie = cookie;
  argument.flags = flags;
  return call(PRD32_IOC_ABORT, argument);
}

prd32_ioc_submit user_request(prd32_direction direction, std::uint64_t card_addr, std::span<const std::uint8_t> bytes,
                              std::uint64_t cookie, std::uint32_t flags) {
  auto request = make<prd32_ioc_submit>();
  request.flags = flags;
  request.cookie = cookie;
  request.direction = direction;
  request.card_addr = card_addr;
  request.length = bytes.size();
  request.memory = PRD32_MEMORY_USER;
  request.address = reinterpret_cast<std::uintptr_t>(bytes.data());
  return request;
}

prd32_ioc_submit buffer_request(prd32_direction direction, std::uint64_t card_addr, const Buffer& buffer,
                                std::uint64_t cookie, std::uint32_t flags) {
  auto request = user_request(direction, card_addr, {}, cookie, flags);
  request.memory = PRD32_MEMORY_BUFFER;
  request.handle = buffer.handle;
  request.length = buffer.length;
  request.address = 0;
  return request;
}

prd32_ioc_submit dma_buf_request(prd32_direction direction, std::uint64_t card_addr, int fd, std::uint64_t offset,
                                 std::uint64_t length, std::uint32_t flags) {
  auto request = user_request(direction, card_addr, {}, 0, flags);
  request.memory = PRD32_MEMORY_DMABUF;
  request.fd = fd;
  request.length = length;
  request.address = offset;
  return request;
}

Blockade::Blockade(const std::string& path) : card_(path), channels_(card_.query().channels), memory_(kPage * 64) {
  expect((card_.query().features & PRD32_FEATURE_ENDPOINTS) != 0, "the card has a loopback");
  for (unsigned channel = 0; channel < channels_; ++channel) {
    auto request = user_request(PRD32_TO_HOST, 0, {memory_.data() + channel * kPage, kPage}, channel);
    request.endpoint = PRD32_EP_LOOPBACK;
    expect_ok(card_.submit(request), "a request that waits for the loopback");
  }
}

void Blockade::release() {
  expect_ok(card_.abort(0, PRD32_ABORT_ALL), "ABORT");
  for (unsigned channel = 0; channel < channels_; ++channel) {
    expect_equal(card_.result().error, -ECANCELED, "the end of a request that was aborted");
  }
}

}  // namespace prd32::uapi_test
