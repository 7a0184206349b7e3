// SPDX-License-Identifier: Apache-2.0
#include "fake_driver.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

namespace prd32::test {
namespace {

template <typename Argument>
Argument& as(void* argument) {
  auto& found = *static_cast<Argument*>(argument);
  if (found.size != sizeof found) {
    throw std::logic_error("an argument without its size");
  }
  return found;
}

}  // namespace

FakeDriver::FakeDriver() : readable_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

FakeDriver::~FakeDriver() {
  ::close(readable_);
}

int FakeDriver::open(const char* path, int flags) {
  if (std::string(path) != kPath) {
    return -ENOENT;
  }
  opened = true;
  open_flags = flags;
  return kDescriptor;
}

int FakeDriver::close(int) {
  opened = false;
  return 0;
}

int FakeDriver::ioctl(int descriptor, unsigned long request, void* argument) {
  if (descriptor != kDescriptor || !opened) {
    return -EBADF;
  }
  if (const auto refused = refuse.find(request); refused != refuse.end()) {
    return -refused->second;
  }
  switch (request) {
    case PRD32_IOC_QUERY:
      return query(as<prd32_ioc_query>(argument));
    case PRD32_IOC_STATISTICS: {
      auto& statistics = as<prd32_ioc_statistics>(argument);
      statistics.requests = 10 + statistics.channel;
      statistics.function_resets = 3;
      return statistics.channel < 2 ? 0 : -EINVAL;
    }
    case PRD32_IOC_RESET:
      resets += as<prd32_ioc_reset>(argument).flags == 0 ? 1 : 0;
      return 0;
    case PRD32_IOC_AREA_ALLOC:
      return area_alloc(as<prd32_ioc_area_alloc>(argument));
    case PRD32_IOC_AREA_FREE:
      return areas.erase(as<prd32_ioc_area_free>(argument).card_addr) == 1 ? 0 : -ENOENT;
    case PRD32_IOC_BUFFER_ALLOC:
      return buffer_alloc(as<prd32_ioc_buffer_alloc>(argument));
    case PRD32_IOC_BUFFER_FREE:
      return buffers.erase(as<prd32_ioc_buffer_free>(argument).handle) == 1 ? 0 : -ENOENT;
    case PRD32_IOC_BUFFER_SYNC: {
      const auto& sync = as<prd32_ioc_buffer_sync>(argument);
      syncs.push_back({sync.sync, sync.offset, sync.length});
      return buffers.contains(sync.handle) ? 0 : -ENOENT;
    }
    case PRD32_IOC_SUBMIT:
      return submit(as<prd32_ioc_submit>(argument));
    case PRD32_IOC_RESULT:
      return result(as<prd32_ioc_result>(argument));
    case PRD32_IOC_ABORT:
      return abort(as<prd32_ioc_abort>(argument));
    default:
      return -ENOTTY;
  }
}

int FakeDriver::query(prd32_ioc_query& argument) const {
  argument.uapi_version = uapi_version;
  argument.card = 5;
  argument.memory_size = card.size();
  argument.max_request = 1U << 30U;
  argument.features = PRD32_FEATURE_CYCLIC | PRD32_FEATURE_ENDPOINTS;
  argument.granule = 4;
  argument.channels = 2;
  argument.max_results = kMaxResults;
  return 0;
}

int FakeDriver::area_alloc(prd32_ioc_area_alloc& argument) {
  if (argument.length == 0) {
    return -EINVAL;
  }
  argument.card_addr = next_area_;
  areas[next_area_] = argument.length;
  next_area_ += 4096;
  return 0;
}

int FakeDriver::buffer_alloc(prd32_ioc_buffer_alloc& argument) {
  argument.handle = next_buffer_++;
  argument.mmap_offset = std::uint64_t{argument.handle} << 32U;
  buffers[argument.handle] = argument.length;
  return 0;
}

int FakeDriver::map(int, std::size_t bytes, std::uint64_t offset, void** place) {
  const auto found = buffers.find(static_cast<std::uint32_t>(offset >> 32U));
  if (refuse_map || found == buffers.end() || found->second != bytes) {
    return -EAGAIN;
  }
  ++mappings;
  *place = new std::byte[bytes]();
  return 0;
}

int FakeDriver::unmap(void* place, std::size_t) {
  --mappings;
  delete[] static_cast<std::byte*>(place);
  return 0;
}

int FakeDriver::interruption() {
  if (interruptions.empty()) {
    return 0;
  }
  const int error = interruptions.front();
  interruptions.pop_front();
  return -error;
}

std::int64_t FakeDriver::pread(int, void* to, std::size_t bytes, std::uint64_t offset) {
  if (const int error = interruption(); error != 0) {
    return error;
  }
  const std::size_t count = std::min({bytes, most_at_once, card.size() - std::min<std::size_t>(offset, card.size())});
  std::copy_n(card.begin() + static_cast<std::ptrdiff_t>(offset), count, static_cast<std::byte*>(to));
  return static_cast<std::int64_t>(count);
}

std::int64_t FakeDriver::pwrite(int, const void* from, std::size_t bytes, std::uint64_t offset) {
  if (const int error = interruption(); error != 0) {
    return error;
  }
  if (offset >= card.size()) {
    return -ENOSPC;
  }
  const std::size_t count = std::min({bytes, most_at_once, card.size() - offset});
  std::copy_n(static_cast<const std::byte*>(from), count, card.begin() + static_cast<std::ptrdiff_t>(offset));
  return static_cast<std::int64_t>(count);
}

int FakeDriver::submit(prd32_ioc_submit& argument) {
  const std::scoped_lock lock(mutex_);
  last_submit = argument;
  if (argument.length == 0 || argument.card_addr + argument.length > card.size()) {
    return -EINVAL;
  }
  if ((argument.flags & PRD32_SUBMIT_WAIT) != 0) {
    move(argument);
    argument.moved = argument.length;
    argument.crc = 0x1234;
    return 0;
  }
  if (running.size() + results_.size() >= kMaxResults) {
    return -EBUSY;
  }
  running[argument.cookie] = argument;
  return 0;
}

void FakeDriver::move(const prd32_ioc_submit& argument) {
  if (argument.memory == PRD32_MEMORY_USER && argument.endpoint == PRD32_EP_MEMORY) {
    auto* host = reinterpret_cast<void*>(static_cast<std::uintptr_t>(argument.address));
    auto* there = &card[argument.card_addr];
    std::memcpy(argument.direction == PRD32_TO_HOST ? host : there, argument.direction == PRD32_TO_HOST ? there : host,
                argument.length);
  }
}

void FakeDriver::finish(std::uint64_t cookie, int error) {
  const std::scoped_lock lock(mutex_);
  const prd32_ioc_submit& ended = running.at(cookie);
  if (error == 0) {
    move(ended);
  }
  results_.push_back({.cookie = cookie, .moved = error == 0 ? ended.length : 0, .error = -error, .crc = 0});
  running.erase(cookie);
  tell(true);
}

void FakeDriver::tell(bool readable) const {
  eventfd_t count = 0;
  if (readable) {
    eventfd_write(readable_, 1);
  } else {
    eventfd_read(readable_, &count);
  }
}

// Waiting in the ioctl is not played: the library does not.
int FakeDriver::result(prd32_ioc_result& argument) {
  const std::scoped_lock lock(mutex_);
  if (argument.timeout_ns != 0) {
    throw std::logic_error("a wait that nothing but a result ends");
  }
  if (const int error = interruption(); error != 0) {
    return error;
  }
  if (results_.empty()) {
    return left_ && running.empty() ? -ENODEV : -EAGAIN;
  }
  auto* to = reinterpret_cast<prd32_result*>(static_cast<std::uintptr_t>(argument.results));
  const std::uint32_t count = std::min(argument.count, static_cast<std::uint32_t>(results_.size()));
  std::copy_n(results_.begin(), count, to);
  results_.erase(results_.begin(), results_.begin() + count);
  argument.count = count;
  if (results_.empty()) {
    tell(false);
  }
  return 0;
}

int FakeDriver::poll(pollfd* files, std::size_t count, const std::timespec* limit) {
  std::vector<pollfd> real(files, files + count);
  bool left = false;
  {
    const std::scoped_lock lock(mutex_);
    for (pollfd& file : real) {
      left = left || (file.fd == kDescriptor && left_);
      file.fd = file.fd == kDescriptor ? readable_ : file.fd;
    }
    ++waiting_;
    changed_.notify_all();
  }
  const std::timespec now{};
  const int ready = ::ppoll(real.data(), real.size(), left ? &now : limit, nullptr);
  const std::scoped_lock lock(mutex_);
  --waiting_;
  for (std::size_t i = 0; i < count; ++i) {
    files[i].revents = real[i].revents;
    if (left && files[i].fd == kDescriptor) {
      files[i].revents |= POLLHUP | POLLERR;
    }
  }
  return left ? std::max(ready, 1) : ready;
}

void FakeDriver::leave() {
  const std::scoped_lock lock(mutex_);
  left_ = true;
  tell(true);
}

void FakeDriver::expect_waiting(unsigned threads) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return waiting_ == threads; })) {
    throw std::runtime_error("nobody waits for results");
  }
}

int FakeDriver::abort(prd32_ioc_abort& argument) {
  std::vector<std::uint64_t> meant;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [cookie, submitted] : running) {
      if ((argument.flags & PRD32_ABORT_ALL) != 0 || cookie == argument.cookie) {
        meant.push_back(cookie);
      }
    }
  }
  for (const std::uint64_t cookie : meant) {
    aborted.push_back(cookie);
    if (end_at_abort) {
      finish(cookie, ECANCELED);
    }
  }
  argument.count = static_cast<std::uint32_t>(meant.size());
  return meant.empty() && argument.flags == 0 ? -ENOENT : 0;
}

}  // namespace prd32::test
