// SPDX-License-Identifier: Apache-2.0
// The C interface: each function calls the C++ one of its name, and turns what it returns, or throws, into an errno.
#include <prd32/prd32.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <new>
#include <prd32/device.hpp>
#include <span>
#include <string>
#include <system_error>
#include <utility>

struct prd32_device {
  prd32::Device device;
  std::mutex mutex;
  std::map<__u64, prd32::Area> areas;  // by address

  explicit prd32_device(prd32::Device opened) : device(std::move(opened)) {}
};

struct prd32_buffer {
  prd32::Buffer buffer;
};

struct prd32_request {
  prd32::Request request;
};

namespace {

using prd32::Error;
using prd32::Result;

thread_local std::string last_error;

int failed(const Error& error) {
  last_error = error.text();
  return -error.code;
}

// No exception leaves the library. What it throws itself is a lack of memory, or a lock that does not work.
template <typename Function>
auto guarded(const Function& function) noexcept -> decltype(function()) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  } catch (const std::system_error& error) {
    return -error.code().value();
  } catch (...) {
    return -EIO;
  }
}

// What most functions do with a Result: 0, and what `take` does with its value, or the error.
template <typename T, typename Take>
int taken(Result<T> result, const Take& take) {
  if (!result) {
    return failed(result.error());
  }
  take(*result);
  return 0;
}

int done(const Result<void>& result) {
  return result ? 0 : failed(result.error());
}

ssize_t counted(const Result<std::size_t>& result) {
  return result ? static_cast<ssize_t>(*result) : failed(result.error());
}

template <typename Argument>
int asked(const prd32_device* device, unsigned long request, Argument* argument, const char* what) {
  argument->size = sizeof *argument;
  argument->flags = 0;
  return done(device->device.ioctl(request, argument, what));
}

std::span<std::byte> bytes(void* at, size_t length) {
  return {static_cast<std::byte*>(at), length};
}

}  // namespace

const char* prd32_error(void) {
  return last_error.c_str();
}

int prd32_open(const char* path, prd32_device** device) {
  return guarded([&] {
    return taken(prd32::Device::open(path != nullptr ? path : prd32::kDefaultDevice),
                 [&](prd32::Device& opened) { *device = new prd32_device(std::move(opened)); });
  });
}

void prd32_close(prd32_device* device) {
  delete device;
}

int prd32_descriptor(const prd32_device* device) {
  return device->device.descriptor();
}

int prd32_query(const prd32_device* device, prd32_ioc_query* query) {
  return guarded([&] { return asked(device, PRD32_IOC_QUERY, query, "cannot ask what the card is"); });
}

int prd32_statistics(const prd32_device* device, unsigned int channel, prd32_ioc_statistics* statistics) {
  return guarded([&] {
    *statistics = {};
    statistics->channel = channel;
    return asked(device, PRD32_IOC_STATISTICS, statistics, "cannot ask for a channel's statistics");
  });
}

int prd32_reset(const prd32_device* device) {
  return guarded([&] { return done(device->device.reset()); });
}

ssize_t prd32_read(const prd32_device* device, __u64 card_addr, void* to, size_t length) {
  return guarded([&] { return counted(device->device.read(card_addr, bytes(to, length))); });
}

ssize_t prd32_write(const prd32_device* device, __u64 card_addr, const void* from, size_t length) {
  const std::span<const std::byte> source(static_cast<const std::byte*>(from), length);
  return guarded([&] { return counted(device->device.write(card_addr, source)); });
}

int prd32_area_alloc(prd32_device* device, __u64 length, __u64* card_addr) {
  return guarded([&] {
    return taken(device->device.reserve(length), [&](prd32::Area& area) {
      const std::scoped_lock lock(device->mutex);
      *card_addr = area.address();
      device->areas.emplace(area.address(), std::move(area));
    });
  });
}

int prd32_area_free(prd32_device* device, __u64 card_addr) {
  return guarded([&] {
    const std::scoped_lock lock(device->mutex);
    return device->areas.erase(card_addr) == 1 ? 0 : failed({.code = ENOENT, .what = "this is no area"});
  });
}

int prd32_buffer_alloc(const prd32_device* device, size_t length, prd32_buffer_kind kind, prd32_buffer** buffer) {
  return guarded([&] {
    return taken(device->device.allocate(length, static_cast<prd32::BufferKind>(kind)),
                 [&](prd32::Buffer& allocated) { *buffer = new prd32_buffer{std::move(allocated)}; });
  });
}

void prd32_buffer_free(prd32_buffer* buffer) {
  delete buffer;
}

void* prd32_buffer_data(const prd32_buffer* buffer) {
  return buffer->buffer.bytes().data();
}

size_t prd32_buffer_size(const prd32_buffer* buffer) {
  return buffer->buffer.size();
}

__u32 prd32_buffer_handle(const prd32_buffer* buffer) {
  return buffer->buffer.slice().handle;
}

int prd32_buffer_sync(const prd32_buffer* buffer, prd32_sync sync, size_t offset, size_t length) {
  return guarded([&] { return done(buffer->buffer.sync(static_cast<prd32::SyncFor>(sync), offset, length)); });
}

int prd32_buffer_export(const prd32_buffer* buffer) {
  int descriptor = -1;
  const int error = guarded(
      [&] { return taken(buffer->buffer.share(), [&](prd32::DmaBuf& shared) { descriptor = shared.release(); }); });
  return error != 0 ? error : descriptor;
}

int prd32_submit(const prd32_device* device, const prd32_ioc_submit* submit, prd32_request** request) {
  return guarded([&] {
    return taken(device->device.submit(*submit),
                 [&](prd32::Request& accepted) { *request = new prd32_request{std::move(accepted)}; });
  });
}

int prd32_request_wait(prd32_request* request, __s64 timeout_ns, prd32_result* result) {
  return guarded([&] {
    prd32::Request& waiting = request->request;
    return taken(timeout_ns < 0 ? waiting.wait() : waiting.wait(std::chrono::nanoseconds(timeout_ns)),
                 [&](const prd32::Outcome& outcome) {
                   *result = {
                       .cookie = waiting.cookie(), .moved = outcome.moved, .error = -outcome.error, .crc = outcome.crc};
                 });
  });
}

int prd32_request_abort(prd32_request* request) {
  return guarded([&] { return done(request->request.abort()); });
}

void prd32_request_free(prd32_request* request) {
  delete request;
}
