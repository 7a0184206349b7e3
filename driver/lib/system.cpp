// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <prd32/system.hpp>

namespace prd32 {
namespace {

template <typename Number>
Number or_errno(Number result) {
  return result < 0 ? static_cast<Number>(-errno) : result;
}

class NativeSystem final : public System {
 public:
  int open(const char* path, int flags) override { return or_errno(::open(path, flags | O_CLOEXEC)); }
  int close(int descriptor) override { return or_errno(::close(descriptor)); }
  int ioctl(int descriptor, unsigned long request, void* argument) override {
    return or_errno(::ioctl(descriptor, request, argument));
  }
  std::int64_t pread(int descriptor, void* to, std::size_t bytes, std::uint64_t offset) override {
    return or_errno(::pread(descriptor, to, bytes, static_cast<off_t>(offset)));
  }
  std::int64_t pwrite(int descriptor, const void* from, std::size_t bytes, std::uint64_t offset) override {
    return or_errno(::pwrite(descriptor, from, bytes, static_cast<off_t>(offset)));
  }
  int map(int descriptor, std::size_t bytes, std::uint64_t offset, void** place) override {
    void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, static_cast<off_t>(offset));
    if (mapped == MAP_FAILED) {
      return -errno;
    }
    *place = mapped;
    return 0;
  }
  int unmap(void* place, std::size_t bytes) override { return or_errno(::munmap(place, bytes)); }
  int poll(pollfd* files, std::size_t count, const std::timespec* limit) override {
    return or_errno(::ppoll(files, count, limit, nullptr));
  }
};

}  // namespace

System& System::native() {
  static auto* const system = new NativeSystem;  // never freed: a device may be longer-lived than what is
  return *system;
}

}  // namespace prd32
