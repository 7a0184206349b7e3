// SPDX-License-Identifier: Apache-2.0
#include "event_loop.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

namespace prd32 {
namespace {

/// A busy loop looks at signals and at the client's unmask event once in so many turns: each look is a system call.
constexpr unsigned kTurnsBetweenLooks = 32;

/// While the card works the client is looked for so often: a look costs as much as it takes to copy 10 KB, and a slice
/// of simulated time may be less than that. Who reads a register waits for tens of microseconds anyway.
constexpr std::chrono::microseconds kBetweenMessages{10};

/// After so many messages in a row simulated time passes too: a client that never pauses must not stop the card.
constexpr unsigned kMostMessagesPerSlice = 16;

UniqueFd signal_descriptor() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
    sigaddset(&set, number);
  }
  UniqueFd fd;
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) == 0) {
    fd.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  if (!fd) {
    throw std::runtime_error(fmt::format("cannot receive signals: {}", std::strerror(errno)));
  }
  return fd;
}

}  // namespace

EventLoop::EventLoop(const Listener& listener, PciFunction& function, DmaMap& dma, MessageDma& messages,
                     Simulation& simulation, BridgeStatistics& statistics, LoopOptions options)
    : listener_(listener),
      function_(function),
      dma_(dma),
      messages_(messages),
      simulation_(simulation),
      statistics_(statistics),
      options_(options),
      signals_(signal_descriptor()) {}

void EventLoop::attend(int fd, std::function<void()> serve) {
  auto* const free = std::ranges::find(attended_, -1, &Attended::fd);
  if (free == attended_.end()) {
    throw std::logic_error("the loop attends to no more descriptors");
  }
  *free = {.fd = fd, .serve = std::move(serve)};
}

void EventLoop::run() {
  simulation_.settle();
  auto active = Clock::now();
  auto looked = active;
  unsigned turns = 0;
  unsigned in_a_row = 0;  // messages without a pause
  while (!stop_) {
    const bool look = in_a_row != 0 || simulation_.quiet() || active - looked >= kBetweenMessages;
    const bool served = look && serve();
    looked = look ? active : looked;
    in_a_row = served ? in_a_row + 1 : 0;
    const bool advance = !simulation_.quiet() && in_a_row % kMostMessagesPerSlice == 0;
    if (advance) {
      simulation_.advance();
    }
    if (served || advance) {
      active = Clock::now();
    } else if (!session_ || Clock::now() - active >= options_.spin) {
      wait(true);
      active = Clock::now();
    }
    if (++turns % kTurnsBetweenLooks == 0) {
      wait(false);
    }
    if (!messages_.idle() && messages_.expire(Clock::now())) {
      simulation_.settle();
    }
  }
  end_session();
}

/// Serves at most one message: the card must act on it before the next one is looked at.
bool EventLoop::serve() {
  if (!session_) {
    return false;
  }
  switch (session_->serve()) {
    case Session::Served::kMessage:
      simulation_.settle();
      return true;
    case Session::Served::kNothing:
      return false;
    case Session::Served::kEnded:
      break;
  }
  end_session();
  stop_ = stop_ || options_.once;
  return true;
}

void EventLoop::end_session() {
  if (session_) {
    session_.reset();
    simulation_.settle();
    SPDLOG_INFO("client disconnected; the card is reset");
  }
}

void EventLoop::wait(bool block) {
  // poll() ignores negative descriptors, so what is not there needs no case of its own.
  const bool congested = session_ && session_->connection().congested();
  constexpr std::size_t kOwn = 4;
  std::array<pollfd, kOwn + kMostAttended> ready = {{
      {.fd = signals_.get(), .events = POLLIN, .revents = 0},
      {.fd = session_ ? -1 : listener_.fd(), .events = POLLIN, .revents = 0},
      {.fd = function_.interrupts().intx_unmask_fd(), .events = POLLIN, .revents = 0},
      {.fd = session_ ? session_->connection().fd() : -1,
       .events = static_cast<short>(congested ? POLLOUT : POLLIN),
       .revents = 0},
  }};
  for (std::size_t i = 0; i < kMostAttended; ++i) {
    ready[kOwn + i] = {.fd = attended_[i].fd, .events = POLLIN, .revents = 0};
  }
  if (::poll(ready.data(), ready.size(), block ? poll_timeout() : 0) <= 0) {
    return;
  }
  if (ready[0].revents != 0) {
    handle_signal();
  }
  if (ready[1].revents != 0) {
    accept();
  }
  if (ready[2].revents != 0) {
    function_.interrupts().on_intx_unmask_event();
  }
  for (std::size_t i = 0; i < kMostAttended; ++i) {
    if (ready[kOwn + i].revents != 0) {
      attended_[i].serve();
      simulation_.settle();
    }
  }
}

/// Milliseconds until a reply of the client is overdue or the simulation goes on, rounded up; -1: neither is awaited.
int EventLoop::poll_timeout() const {
  const auto overdue = messages_.next_deadline();
  const auto resumes = simulation_.resumes();
  if (!overdue && !resumes) {
    return -1;
  }
  const auto first = std::min(overdue.value_or(Clock::time_point::max()), resumes.value_or(Clock::time_point::max()));
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(first - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, std::numeric_limits<int>::max()));
}

void EventLoop::accept() {
  if (auto client = listener_.accept()) {
    SPDLOG_INFO("client connected");
    session_.emplace(std::move(*client), function_, dma_, messages_, statistics_, [this] { simulation_.settle(); });
  }
}

void EventLoop::handle_signal() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGUSR1) {
      if (report_) {
        report_();
      }
    } else {
      SPDLOG_INFO("signal {}: ending", info.ssi_signo);
      stop_ = true;
    }
  }
}

}  // namespace prd32
