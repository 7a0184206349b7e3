// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace prd32 {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// As the driver takes it: negative is for ever, 0 not at all.
std::int64_t left_until(const Deadline& deadline) {
  if (!deadline) {
    return -1;
  }
  return std::max<std::int64_t>(0, std::chrono::duration_cast<nanoseconds>(*deadline - steady_clock::now()).count());
}

}  // namespace

std::uint64_t Connection::new_cookie() {
  const std::scoped_lock lock(mutex_);
  return ++last_cookie_;
}

Result<void> Connection::fetch(const Deadline& deadline) {
  std::array<prd32_result, 32> results{};
  prd32_ioc_result argument{};
  Result<void> fetched;
  do {
    argument = {};
    argument.results = reinterpret_cast<std::uintptr_t>(results.data());
    argument.result_size = sizeof results.front();
    argument.count = results.size();
    argument.timeout_ns = left_until(deadline);
    fetched = call(PRD32_IOC_RESULT, argument, "cannot fetch results");
  } while (!fetched && fetched.error().code == EINTR);

  if (!fetched) {
    // "None now" and "none in time" are the same to a caller who said how long to wait.
    const bool none = fetched.error().code == EAGAIN || fetched.error().code == ETIMEDOUT;
    return none ? error(ETIMEDOUT, "no transfer ended in time") : fetched.error();
  }
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < argument.count; ++i) {
    const prd32_result& result = results.at(i);
    outcomes_[result.cookie] = {.moved = result.moved, .error = -result.error, .crc = result.crc};
  }
  return {};
}

Result<void> Connection::fetch_for_all(std::unique_lock<std::mutex>& lock, const Deadline& deadline) {
  fetching_ = true;
  lock.unlock();
  Result<void> fetched = fetch(deadline);
  lock.lock();
  fetching_ = false;
  arrived_.notify_all();  // somebody else's outcome may have come, and somebody else must fetch now
  return fetched;
}

Result<Outcome> Connection::outcome(std::uint64_t cookie, const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (const auto found = outcomes_.find(cookie); found != outcomes_.end()) {
      const Outcome outcome = found->second;
      outcomes_.erase(found);
      return outcome;
    }
    if (fetching_) {
      if (!deadline) {
        arrived_.wait(lock);
      } else if (arrived_.wait_until(lock, *deadline) == std::cv_status::timeout && !outcomes_.contains(cookie)) {
        return error(ETIMEDOUT, "no transfer ended in time");
      }
      continue;
    }
    if (const Result<void> fetched = fetch_for_all(lock, deadline); !fetched) {
      return fetched.error();
    }
  }
}

Result<void> Connection::drain() {
  std::unique_lock lock(mutex_);
  if (fetching_) {
    return error(EBUSY, "all outcomes are fetched as they come");
  }
  return fetch_for_all(lock, steady_clock::time_point());
}

}  // namespace prd32
