// SPDX-License-Identifier: Apache-2.0
// A driver that is played: it answers the library's calls as <linux/prd32.h> says, and does what a test tells it to.
#pragma once

#include <linux/prd32.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <prd32/system.hpp>
#include <string>
#include <vector>

namespace prd32::test {

class FakeDriver final : public System {
 public:
  static constexpr const char* kPath = "/dev/fake";
  static constexpr int kDescriptor = 77;
  static constexpr unsigned kMaxResults = 4;

  /// A sync of a buffer, in the order in which they came.
  struct Sync {
    std::uint32_t who;
    std::uint64_t offset, length;
    bool operator==(const Sync&) const = default;
  };

  FakeDriver();
  ~FakeDriver() override;

  int open(const char* path, int flags) override;
  int close(int descriptor) override;
  int ioctl(int descriptor, unsigned long request, void* argument) override;
  std::int64_t pread(int descriptor, void* to, std::size_t bytes, std::uint64_t offset) override;
  std::int64_t pwrite(int descriptor, const void* from, std::size_t bytes, std::uint64_t offset) override;
  int map(int descriptor, std::size_t bytes, std::uint64_t offset, void** place) override;
  int unmap(void* place, std::size_t bytes) override;
  int poll(pollfd* files, std::size_t count, const std::timespec* limit) override;

  /// The transfer with this cookie ends, and its result waits to be fetched.
  void finish(std::uint64_t cookie, int error = 0);
  /// Waits until so many threads wait for the file to become readable.
  void expect_waiting(unsigned threads);
  /// The card leaves: the file hangs up for good, and what runs goes on running.
  void leave();

  // What a test may set.
  std::vector<std::byte> card = std::vector<std::byte>(1U << 20U);
  std::uint32_t uapi_version = PRD32_UAPI_VERSION;
  std::size_t most_at_once = SIZE_MAX;  ///< bytes that pread() and pwrite() move at a time
  std::map<unsigned long, int> refuse;  ///< errno with which an ioctl fails
  std::deque<int> interruptions;        ///< errno of the next calls of pread(), pwrite() or PRD32_IOC_RESULT
  bool refuse_map = false;
  bool end_at_abort = true;

  // What a test may look at.
  bool opened = false;
  int open_flags = 0;
  std::map<std::uint64_t, std::uint64_t> areas;
  std::map<std::uint32_t, std::uint64_t> buffers;
  unsigned mappings = 0;
  std::vector<Sync> syncs;
  std::map<std::uint64_t, prd32_ioc_submit> running;
  std::vector<std::uint64_t> aborted;
  prd32_ioc_submit last_submit{};
  unsigned resets = 0;

 private:
  int query(prd32_ioc_query& argument) const;
  int area_alloc(prd32_ioc_area_alloc& argument);
  int buffer_alloc(prd32_ioc_buffer_alloc& argument);
  int submit(prd32_ioc_submit& argument);
  int result(prd32_ioc_result& argument);
  int abort(prd32_ioc_abort& argument);
  int interruption();
  void tell(bool readable) const;
  void move(const prd32_ioc_submit& argument);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<prd32_result> results_;
  unsigned waiting_ = 0;
  bool left_ = false;
  int readable_;  // an event that can be waited for, for the file that cannot
  std::uint64_t next_area_ = 0;
  std::uint32_t next_buffer_ = 1;
};

}  // namespace prd32::test
