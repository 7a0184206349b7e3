// SPDX-License-Identifier: Apache-2.0
#include "queues.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <ctime>

namespace prd32::uapi_test {
namespace {

constexpr unsigned kTenSeconds = 10;

std::uint8_t* mapped(int fd, std::size_t size, std::uint64_t offset) {
  void* const data =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, static_cast<off_t>(offset));
  expect(data != MAP_FAILED, "a ring's memory");
  return static_cast<std::uint8_t*>(data);
}

std::uint32_t load(const std::uint32_t* at) {
  return std::atomic_ref(*const_cast<std::uint32_t*>(at)).load(std::memory_order_acquire);
}

void store(std::uint32_t* at, std::uint32_t value) {
  std::atomic_ref(*at).store(value, std::memory_order_release);
}

std::size_t submissions_size(const io_uring_params& parameters) {
  return parameters.sq_off.array + parameters.sq_entries * sizeof(std::uint32_t);
}

std::size_t completions_size(const io_uring_params& parameters) {
  return parameters.cq_off.cqes + parameters.cq_entries * sizeof(io_uring_cqe);
}

std::size_t entries_size(const io_uring_params& parameters) {
  return parameters.sq_entries * sizeof(io_uring_sqe);
}

}  // namespace

Ring::Ring(unsigned entries) : ring_(static_cast<int>(syscall(SYS_io_uring_setup, entries, &parameters_))) {
  expect(ring_.get() >= 0, std::string("io_uring_setup: ") + strerror(errno));
  submissions_ = mapped(ring_.get(), submissions_size(parameters_), IORING_OFF_SQ_RING);
  completions_ = mapped(ring_.get(), completions_size(parameters_), IORING_OFF_CQ_RING);
  entries_ = reinterpret_cast<io_uring_sqe*>(mapped(ring_.get(), entries_size(parameters_), IORING_OFF_SQES));
}

Ring::~Ring() {
  munmap(entries_, entries_size(parameters_));
  munmap(completions_, completions_size(parameters_));
  munmap(submissions_, submissions_size(parameters_));
}

std::uint32_t* Ring::submission(std::uint32_t offset) const {
  return reinterpret_cast<std::uint32_t*>(submissions_ + offset);
}

std::uint32_t* Ring::completion(std::uint32_t offset) const {
  return reinterpret_cast<std::uint32_t*>(completions_ + offset);
}

int Ring::keep(std::span<std::uint8_t> memory) {
  const iovec vector{memory.data(), memory.size()};
  return syscall(SYS_io_uring_register, ring_.get(), IORING_REGISTER_BUFFERS, &vector, 1) < 0 ? errno : 0;
}

void Ring::submit(std::uint8_t operation, int fd, std::span<std::uint8_t> memory, std::uint64_t at,
                  std::uint64_t cookie) {
  submit(operation, fd, memory.data(), memory.size(), at, cookie);
}

void Ring::submit(std::uint8_t operation, int fd, std::span<const iovec> memory, std::uint64_t at,
                  std::uint64_t cookie) {
  submit(operation, fd, memory.data(), memory.size(), at, cookie);
}

void Ring::submit(std::uint8_t operation, int fd, const void* data, std::size_t count, std::uint64_t at,
                  std::uint64_t cookie) {
  const std::uint32_t tail = load(submission(parameters_.sq_off.tail));
  const std::uint32_t slot = tail & *submission(parameters_.sq_off.ring_mask);
  io_uring_sqe& entry = entries_[slot];
  std::memset(&entry, 0, sizeof(entry));
  entry.opcode = operation;
  entry.fd = fd;
  entry.off = at;
  entry.addr = reinterpret_cast<std::uintptr_t>(data);
  entry.len = static_cast<std::uint32_t>(count);
  entry.user_data = cookie;
  submission(parameters_.sq_off.array)[slot] = slot;
  store(submission(parameters_.sq_off.tail), tail + 1);
  expect_equal(syscall(SYS_io_uring_enter, ring_.get(), 1, 0, 0, nullptr, 0), 1, "entries that the ring took");
}

unsigned Ring::ready() const {
  return load(completion(parameters_.cq_off.tail)) - load(completion(parameters_.cq_off.head));
}

std::map<std::uint64_t, int> Ring::wait(unsigned count) {
  const __kernel_timespec timeout{kTenSeconds, 0};
  const io_uring_getevents_arg limit{0, 0, 0, reinterpret_cast<std::uintptr_t>(&timeout)};
  while (ready() < count) {
    const auto error = syscall(SYS_io_uring_enter, ring_.get(), 0, count, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                               &limit, sizeof(limit));
    expect(error >= 0, std::string("waiting for the ring: ") + strerror(errno));
  }
  std::map<std::uint64_t, int> results;
  const auto* const all = reinterpret_cast<const io_uring_cqe*>(completions_ + parameters_.cq_off.cqes);
  std::uint32_t head = load(completion(parameters_.cq_off.head));
  for (unsigned index = 0; index < count; ++index, ++head) {
    const io_uring_cqe& one = all[head & *completion(parameters_.cq_off.ring_mask)];
    results[one.user_data] = one.res;
  }
  store(completion(parameters_.cq_off.head), head);
  return results;
}

AioContext::AioContext(unsigned entries) {
  expect(syscall(SYS_io_setup, entries, &context_) == 0, "io_setup");
}

AioContext::~AioContext() {
  syscall(SYS_io_destroy, context_);
}

void AioContext::submit(std::uint16_t operation, int fd, std::span<std::uint8_t> memory, std::uint64_t at,
                        std::uint64_t cookie) {
  submit(operation, fd, memory.data(), memory.size(), at, cookie);
}

void AioContext::submit(std::uint16_t operation, int fd, std::span<const iovec> memory, std::uint64_t at,
                        std::uint64_t cookie) {
  submit(operation, fd, memory.data(), memory.size(), at, cookie);
}

void AioContext::submit(std::uint16_t operation, int fd, const void* data, std::size_t count, std::uint64_t at,
                        std::uint64_t cookie) {
  iocb control{};
  control.aio_data = cookie;
  control.aio_lio_opcode = operation;
  control.aio_fildes = static_cast<std::uint32_t>(fd);
  control.aio_buf = reinterpret_cast<std::uintptr_t>(data);
  control.aio_nbytes = count;
  control.aio_offset = static_cast<std::int64_t>(at);
  iocb* const list = &control;
  expect_equal(syscall(SYS_io_submit, context_, 1, &list), 1, "requests that were taken");
}

std::map<std::uint64_t, int> AioContext::events(unsigned least, unsigned most, bool block) {
  std::vector<io_event> found(most);
  timespec timeout{block ? static_cast<time_t>(kTenSeconds) : 0, 0};
  const auto count = syscall(SYS_io_getevents, context_, least, most, found.data(), &timeout);
  expect(count >= static_cast<long>(least), "events in time");
  std::map<std::uint64_t, int> results;
  for (long index = 0; index < count; ++index) {
    const io_event& event = found.at(static_cast<std::size_t>(index));
    results[event.data] = static_cast<int>(event.res);
  }
  return results;
}

std::map<std::uint64_t, int> AioContext::wait(unsigned count) {
  return events(count, count, true);
}

std::map<std::uint64_t, int> AioContext::ready() {
  return events(0, 100, false);
}

}  // namespace prd32::uapi_test
