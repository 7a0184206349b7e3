// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <prd32/request.hpp>

#include "connection.hpp"

namespace prd32 {

using std::chrono::steady_clock;

Request& Request::operator=(Request&& other) noexcept {
  if (this != &other) {
    finish();
    connection_ = std::move(other.connection_);
    cookie_ = other.cookie_;
  }
  return *this;
}

Request::~Request() {
  finish();
}

// The memory is the caller's again after this, so nothing but the outcome may end the wait.
void Request::finish() noexcept {
  if (!connection_) {
    return;
  }
  static_cast<void>(abort());
  static_cast<void>(connection_->outcome(cookie_, std::nullopt));
  connection_->forget(cookie_);
  connection_.reset();
}

// Leaves connection_ alone: other threads may be using it.
Result<Outcome> Request::outcome_by(const std::optional<steady_clock::time_point>& deadline) const {
  if (!connection_) {
    return Error{.code = EINVAL, .what = "this request was moved away"};
  }
  return connection_->outcome(cookie_, deadline);
}

Result<Outcome> Request::wait() {
  return outcome_by(std::nullopt);
}

Result<Outcome> Request::wait(std::chrono::nanoseconds limit) {
  return outcome_by(after(limit));
}

Result<std::optional<Outcome>> Request::poll() {
  const Result<Outcome> outcome = outcome_by(steady_clock::now());
  if (outcome) {
    return std::optional(*outcome);
  }
  if (outcome.error().code == ETIMEDOUT) {
    return std::optional<Outcome>();
  }
  return outcome.error();
}

Result<void> Request::abort() {
  if (!connection_ || !connection_->awaits(cookie_)) {
    return Error{.code = ENOENT, .what = "this transfer has ended"};
  }
  prd32_ioc_abort argument{};
  argument.cookie = cookie_;
  return connection_->call(PRD32_IOC_ABORT, argument, "cannot abort a transfer");
}

Result<Event> Event::create() {
  const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) {
    return Error{.code = errno, .what = "cannot make an event"};
  }
  return Event(descriptor);
}

Event& Event::operator=(Event&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Event::~Event() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

Result<std::uint64_t> Event::wait(std::chrono::milliseconds limit) const {
  const Deadline deadline = after(limit);
  for (;;) {
    const std::timespec left = deadline ? left_until(*deadline) : std::timespec{};
    pollfd waiting{.fd = descriptor_, .events = POLLIN, .revents = 0};
    const int ready = ::ppoll(&waiting, 1, deadline ? &left : nullptr, nullptr);
    std::uint64_t count = 0;
    if (ready > 0 && read(descriptor_, &count, sizeof count) == sizeof count) {
      return count;
    }
    if (ready != 0 && errno != EINTR && errno != EAGAIN) {
      return Error{.code = errno, .what = "cannot wait for an event"};
    }
    if (passed(deadline)) {
      return Error{.code = ETIMEDOUT, .what = "no transfer ended in time"};
    }
  }
}

}  // namespace prd32
