// SPDX-License-Identifier: Apache-2.0
// Waiting for requests, in all the ways that there are, and not waiting for them any more.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>

#include "asleep.hpp"
#include "card.hpp"

namespace prd32::uapi_test {
namespace {

constexpr int kTenSeconds = 10000;  // ms

short polled(int fd, short events, int timeout_ms) {
  pollfd entry{fd, events, 0};
  return poll(&entry, 1, timeout_ms) < 0 ? short{0} : entry.revents;
}

// A process that waits in poll() for these events, for ever: poll() with a limit looks once more at its end, and would
// not notice that nobody has woken it.
pid_t poller(int fd, short events) {
  const pid_t child = fork();
  expect(child >= 0, "fork");
  if (child == 0) {
    _exit((polled(fd, events, -1) & events) != 0 ? 0 : 1);
  }
  expect_asleep(child);
  return child;
}

void expect_woken(pid_t child) {
  int status = 0;
  expect(waitpid(child, &status, 0) == child && status == 0, "poll() in the child");
}

// While others have every channel, whoever must not wait is told so, at once, and poll() says when to try again.
void nonblocking(const Place& place) {
  const Card card(place.device);
  const Card patient(place.device, O_RDWR | O_NONBLOCK);
  Bytes bytes(kPage);
  auto nowait = user_request(PRD32_TO_HOST, 0, bytes, 0, PRD32_SUBMIT_NOWAIT | PRD32_SUBMIT_WAIT);
  auto plain = user_request(PRD32_TO_HOST, 0, bytes, 0, PRD32_SUBMIT_WAIT);
  expect((polled(card.fd(), POLLOUT, 0) & POLLOUT) != 0, "an idle card is writable");
  Blockade blockade(place.device);
  expect_equal(polled(card.fd(), POLLOUT | POLLIN, 0), 0, "a busy card");
  expect_error(card.submit(nowait), EAGAIN, "PRD32_SUBMIT_NOWAIT");
  expect_error(patient.submit(plain), EAGAIN, "SUBMIT with O_NONBLOCK");
  expect(pread(patient.fd(), bytes.data(), bytes.size(), 0) == -1 && errno == EAGAIN, "read() with O_NONBLOCK");
  const pid_t child = poller(card.fd(), POLLOUT);
  blockade.release();
  expect_woken(child);
  expect_ok(card.submit(nowait), "now");
  expect_ok(patient.submit(plain), "now with O_NONBLOCK");
}

// Who waits for nothing keeps one channel busy: that is no reason to refuse what another can do, nor to put what
// belongs together behind each other.
void beside_others(const Place& place) {
  constexpr std::size_t kBusy = 4;
  constexpr std::size_t kLong = 16 * kMiB;
  const Card card(place.device);
  const Mapping memory(kBusy * kLong);  // the DMA API wants memory to be mapped once at a time
  const Mapping pages(3 * kPage);
  const auto page = [&](std::size_t index) { return pages.bytes().subspan(index * kPage, kPage); };
  for (std::size_t i = 0; i < kBusy; ++i) {
    auto request = user_request(PRD32_TO_HOST, 0, memory.bytes().subspan(i * kLong, kLong));
    expect_ok(card.submit(request), "SUBMIT");
  }
  auto nowait = user_request(PRD32_TO_HOST, 0, page(0), 0, PRD32_SUBMIT_NOWAIT);
  expect_ok(card.submit(nowait), "PRD32_SUBMIT_NOWAIT while a channel is idle");
  auto reading = user_request(PRD32_TO_HOST, 0, page(1));
  auto writing = user_request(PRD32_FROM_HOST, 0, page(2));
  reading.endpoint = PRD32_EP_LOOPBACK;
  writing.endpoint = PRD32_EP_LOOPBACK;
  expect_ok(card.submit(reading), "SUBMIT");
  expect_ok(card.submit(writing), "SUBMIT");
  for (std::size_t i = 0; i < kBusy + 3; ++i) {
    expect_equal(card.result().error, 0, "each ends, and well");
  }
}

// poll() must be woken, not only tell the truth when it is asked.
void poll_wakes(const Place& place) {
  const Card card(place.device);
  const Mapping out(kPage);
  const Mapping in(kPage);
  expect_equal(polled(card.fd(), POLLIN, 0), 0, "no results, not readable");
  const pid_t child = poller(card.fd(), POLLIN);
  auto reading = user_request(PRD32_TO_HOST, 0, in.bytes());
  auto writing = user_request(PRD32_FROM_HOST, 0, out.bytes());
  reading.endpoint = PRD32_EP_LOOPBACK;
  writing.endpoint = PRD32_EP_LOOPBACK;
  expect_ok(card.submit(reading), "SUBMIT");
  expect_ok(card.submit(writing), "SUBMIT");
  expect_woken(child);
  static_cast<void>(card.result());
  static_cast<void>(card.result());
  expect_equal(polled(card.fd(), POLLIN, 0), 0, "all fetched, not readable");
}

void eventfd_counts(const Place& place) {
  const Card card(place.device);
  const Descriptor events(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const Mapping memory(kPage);
  for (const std::uint32_t flags : {std::uint32_t{0}, std::uint32_t{PRD32_SUBMIT_WAIT}}) {
    auto request = user_request(PRD32_TO_HOST, 0, memory.bytes(), 0, flags | PRD32_SUBMIT_EVENTFD);
    request.eventfd = events.get();
    expect_ok(card.submit(request), "SUBMIT");
    expect((polled(events.get(), POLLIN, kTenSeconds) & POLLIN) != 0, "the eventfd is signalled");
    std::uint64_t count = 0;
    expect_equal(read(events.get(), &count, sizeof(count)), sizeof(count), "bytes of the eventfd");
    expect_equal(count, 1U, "its count");
  }
  std::vector<prd32_result> found;
  expect_ok(card.results(found, 1, 0), "the result was there when the eventfd was signalled");
}

void timeouts(const Place& place) {
  using std::chrono::steady_clock;
  const Card card(place.device);
  std::vector<prd32_result> found;
  const auto began = steady_clock::now();
  expect_error(card.results(found, 1, 200'000'000), ETIMEDOUT, "no result in time");
  expect(steady_clock::now() - began >= std::chrono::milliseconds(200), "all of the time was waited");
  const Card patient(place.device, O_RDWR | O_NONBLOCK);
  expect_error(patient.results(found, 1, -1), EAGAIN, "O_NONBLOCK");
}

void nothing(int) {}

void signals(const Place& place) {
  const Card card(place.device);
  struct sigaction action{};
  action.sa_handler = nothing;
  action.sa_flags = SA_RESTART;
  expect(sigaction(SIGALRM, &action, nullptr) == 0, "sigaction");
  const itimerval timer{{0, 50000}, {0, 50000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
  std::vector<prd32_result> found;
  const int error = card.results(found, 1, -1);
  const itimerval none{};
  setitimer(ITIMER_REAL, &none, nullptr);
  expect_error(error, EINTR, "RESULT, and a signal");
}

void abort_one(const Place& place) {
  Blockade blockade(place.device);
  const Card card(place.device);
  const Mapping memory(4 * kPage);
  for (unsigned index = 0; index < 4; ++index) {
    auto request = user_request(PRD32_TO_HOST, 0, {memory.data() + index * kPage, kPage}, index / 2);
    expect_ok(card.submit(request), "SUBMIT");
  }
  auto argument = make<prd32_ioc_abort>();
  argument.cookie = 1;
  expect_ok(card.call(PRD32_IOC_ABORT, argument), "ABORT");
  expect_equal(argument.count, 2U, "requests with this cookie");
  for (unsigned count = 0; count < 2; ++count) {
    const prd32_result result = card.result();
    expect_equal(result.cookie, 1U, "the cookie");
    expect_error(-result.error, ECANCELED, "how it ended");
    expect_equal(result.moved, 0U, "bytes moved");
  }
  blockade.release();
  for (unsigned count = 0; count < 2; ++count) {
    expect_error(-card.result().error, 0, "those with another cookie");
  }
}

// The engine is in the middle of it: it has to be stopped.
void abort_running(const Place& place) {
  Blockade blockade(place.device);
  blockade.release();
  expect_ok(blockade.card().abort(0, PRD32_ABORT_ALL), "nothing left");
  const Card card(place.device);
  const Bytes bytes = pattern(kMiB, 8);
  card.write(0, bytes);
  expect_same(card.read(0, kMiB), bytes, "the card after requests were stopped");
}

// The file goes, and its requests with it: those that run, and those that wait behind them.
void close_ends(const Place& place) {
  const Mapping memory(64 * kPage);
  {
    const Blockade blockade(place.device);
    const Card card(place.device);
    for (unsigned index = 0; index < 64; ++index) {
      auto request = user_request(PRD32_TO_HOST, 0, {memory.data() + index * kPage, kPage}, index);
      expect_ok(card.submit(request), "SUBMIT");
    }
    const Buffer buffer = card.buffer(PRD32_BUFFER_COHERENT, kPage);
    auto request = buffer_request(PRD32_TO_HOST, 0, buffer);
    expect_ok(card.submit(request), "SUBMIT of a buffer");
  }
  const Card card(place.device);
  expect((polled(card.fd(), POLLOUT, kTenSeconds) & POLLOUT) != 0, "the card is idle");
}

void kill_ends(const Place& place) {
  const pid_t child = fork();
  expect(child >= 0, "fork");
  if (child == 0) {
    const Blockade blockade(place.device);
    const Card card(place.device);
    Bytes bytes(kMiB);
    auto request = user_request(PRD32_TO_HOST, 0, bytes, 0, PRD32_SUBMIT_WAIT);
    raise(SIGSTOP);
    _exit(card.submit(request));
  }
  int status = 0;
  expect(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status), "the child has the card");
  kill(child, SIGCONT);
  expect_asleep(child);
  kill(child, SIGKILL);
  expect(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "the child was killed");
  const Card card(place.device);
  expect((polled(card.fd(), POLLOUT, kTenSeconds) & POLLOUT) != 0, "the card is idle");
  static_cast<void>(card.read(0, kPage));
}

}  // namespace

std::vector<Case> wait_cases() {
  return {{"wait.nonblocking", nonblocking},
          {"wait.poll_wakes", poll_wakes},
          {"wait.eventfd_counts", eventfd_counts},
          {"wait.beside_others", beside_others},
          {"wait.timeouts", timeouts},
          {"wait.signals", signals},
          {"abort.one", abort_one},
          {"abort.running", abort_running},
          {"abort.close_ends", close_ends},
          {"abort.kill_ends", kill_ends}};
}

}  // namespace prd32::uapi_test
