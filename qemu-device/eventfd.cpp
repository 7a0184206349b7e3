// SPDX-License-Identifier: Apache-2.0
#include "eventfd.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace prd32 {
namespace {

/// Interrupts a system call that blocks although poll() said that it would not. The client shares the flags of its
/// eventfd with us, so making it a non-blocking one is not for us to do.
class Alarm {
 public:
  Alarm() {
    static const bool installed = install();
    (void)installed;
    set(kMicroseconds);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { set(0); }

 private:
  static constexpr suseconds_t kMicroseconds = 1000;

  static bool install() {
    struct sigaction action{};
    action.sa_handler = [](int) {};  // without SA_RESTART: the call ends with EINTR
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    return ::sigaction(SIGALRM, &action, nullptr) == 0 && ::sigprocmask(SIG_UNBLOCK, &set, nullptr) == 0;
  }

  /// It repeats, as the first signal may come before the call has begun.
  static void set(suseconds_t microseconds) {
    const timeval time{.tv_sec = 0, .tv_usec = microseconds};
    const itimerval timer{.it_interval = time, .it_value = time};
    (void)::setitimer(ITIMER_REAL, &timer, nullptr);
  }
};

/// Whether reading or writing would not block now; then `alarm` is set, as the answer may change meanwhile: not even
/// O_NONBLOCK, if it is set, will stay so.
bool ready(int fd, short events, std::optional<Alarm>& alarm) {
  pollfd state{.fd = fd, .events = events, .revents = 0};
  if (::poll(&state, 1, 0) != 1) {
    return false;
  }
  alarm.emplace();
  return true;
}

}  // namespace

bool is_eventfd(int fd) {
  std::array<char, 64> target{};
  const ssize_t size = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), target.data(), target.size());
  return size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)) == "anon_inode:[eventfd]";
}

bool signal_event(int fd) {
  std::optional<Alarm> alarm;
  if (!ready(fd, POLLOUT, alarm)) {
    return true;
  }
  const std::uint64_t one = 1;
  return ::write(fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN || errno == EINTR;
}

bool take_events(int fd) {
  std::optional<Alarm> alarm;
  std::uint64_t events = 0;
  return ready(fd, POLLIN, alarm) && ::read(fd, &events, sizeof(events)) == sizeof(events);
}

}  // namespace prd32
