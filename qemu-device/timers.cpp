// SPDX-License-Identifier: Apache-2.0
#include "timers.hpp"

#include <fmt/format.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace prd32 {

Timers::Timers() : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!timer_) {
    throw std::runtime_error(fmt::format("no timer: {}", std::strerror(errno)));
  }
}

Timers::Id Timers::after(std::chrono::milliseconds time, Action action) {
  if (time.count() <= 0 || due_.size() >= kMost) {
    action();
    return 0;
  }
  due_.emplace(std::pair(Clock::now() + time, ++last_), std::move(action));
  arm();
  return last_;
}

void Timers::cancel(Id id) {
  std::erase_if(due_, [&](const auto& entry) { return entry.first.second == id; });
  arm();
}

void Timers::run() {
  std::uint64_t expired = 0;
  [[maybe_unused]] const auto read = ::read(timer_.get(), &expired, sizeof(expired));  // so that it is not readable
  while (!due_.empty() && due_.begin()->first.first <= Clock::now()) {
    const Action action = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    action();
  }
  arm();
}

/// For the first of them, or for none. steady_clock is CLOCK_MONOTONIC.
void Timers::arm() const {
  itimerspec when{};
  if (!due_.empty()) {
    const auto time = due_.begin()->first.first.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    when.it_value = {.tv_sec = seconds.count(),
                     .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds).count()};
  }
  (void)::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace prd32
