// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include <sys/eventfd.h>

#include <array>
#include <cerrno>

namespace prd32 {
namespace {

using std::chrono::steady_clock;

// Who has left hangs up for good, which ends every wait at once. What is under way then ends soon, by deadlines of the
// driver, and nothing tells of it: now and then somebody must look.
constexpr std::chrono::milliseconds kLookAfterHangup(10);

}  // namespace

std::uint64_t Connection::new_cookie() {
  const std::scoped_lock lock(mutex_);
  requests_.emplace(++last_cookie_, std::nullopt);
  return last_cookie_;
}

void Connection::forget(std::uint64_t cookie) {
  const std::scoped_lock lock(mutex_);
  requests_.erase(cookie);
}

bool Connection::awaits(std::uint64_t cookie) {
  const std::scoped_lock lock(mutex_);
  return requests_.contains(cookie);
}

Result<Outcome> Connection::outcome(std::uint64_t cookie, const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto found = requests_.find(cookie);
    if (found == requests_.end()) {
      return error(EINVAL, "the outcome of this transfer was fetched before");
    }
    if (found->second) {
      const Outcome outcome = *found->second;
      requests_.erase(found);
      arrived_.notify_all();  // who waits for the same one waits in vain
      return outcome;
    }
    const Result<bool> taken = take();
    if (!taken) {
      return taken.error();
    }
    if (*taken) {
      continue;
    }
    if (passed(deadline)) {
      return error(ETIMEDOUT, "no transfer ended in time");
    }
    if (const Result<void> waited = wait_for_more(lock, deadline); !waited) {
      return waited.error();
    }
  }
}

bool Connection::make_room() {
  const std::scoped_lock lock(mutex_);
  const Result<bool> taken = take();
  return taken && *taken;
}

Result<bool> Connection::take() {
  std::array<prd32_result, 32> results{};
  prd32_ioc_result argument{};
  Result<void> fetched;
  do {
    argument = {};
    argument.results = reinterpret_cast<std::uintptr_t>(results.data());
    argument.result_size = sizeof results.front();
    argument.count = results.size();
    argument.timeout_ns = 0;
    fetched = call(PRD32_IOC_RESULT, argument, "cannot fetch results");
  } while (!fetched && fetched.error().code == EINTR);
  if (!fetched) {
    return fetched.error().code == EAGAIN ? Result<bool>(false) : fetched.error();
  }
  for (std::size_t i = 0; i < argument.count; ++i) {
    const prd32_result& result = results.at(i);
    // One that is not there was submitted past the library, by Device::ioctl().
    if (const auto found = requests_.find(result.cookie); found != requests_.end()) {
      found->second = {.moved = result.moved, .error = -result.error, .crc = result.crc};
    }
  }
  arrived_.notify_all();
  if (waiting_) {
    // What it waits for may be here now, and the file need not become readable again.
    eventfd_write(nudge_.descriptor(), 1);
  }
  return true;
}

Result<void> Connection::wait_for_more(std::unique_lock<std::mutex>& lock, const Deadline& deadline) {
  if (waiting_) {
    if (deadline) {
      arrived_.wait_until(lock, *deadline);
    } else {
      arrived_.wait(lock);
    }
    return {};
  }
  const auto look_again = steady_clock::now() + kLookAfterHangup;
  const Deadline until = hung_up_ && (!deadline || look_again < *deadline) ? look_again : deadline;
  // A negative descriptor is left out.
  std::array<pollfd, 2> files{pollfd{.fd = hung_up_ ? -1 : descriptor_, .events = POLLIN, .revents = 0},
                              pollfd{.fd = nudge_.descriptor(), .events = POLLIN, .revents = 0}};
  waiting_ = true;
  lock.unlock();
  const std::timespec left = until ? left_until(*until) : std::timespec{};
  const int ready = system_.poll(files.data(), files.size(), until ? &left : nullptr);
  lock.lock();
  waiting_ = false;
  arrived_.notify_all();  // somebody else must wait in the driver now
  if (ready < 0 && ready != -EINTR) {
    return error(-ready, "cannot wait for results");
  }
  if (ready > 0 && files[1].revents != 0) {
    static_cast<void>(nudge_.wait(std::chrono::milliseconds(0)));
  }
  hung_up_ = hung_up_ || (ready > 0 && (files[0].revents & (POLLHUP | POLLERR)) != 0);
  return {};
}

}  // namespace prd32
