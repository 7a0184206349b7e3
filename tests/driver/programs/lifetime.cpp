// SPDX-License-Identifier: Apache-2.0
// The card leaves while everything of it is in use; files are passed on.
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstring>

#include "asleep.hpp"
#include "queues.hpp"

namespace prd32::uapi_test {
namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a signal handler has nothing else.
sigjmp_buf after_fault;

void faulted(int) {
  siglongjmp(after_fault, 1);
}

// Does touching this byte end in SIGBUS?
bool is_gone(volatile const std::uint8_t* byte) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = faulted;
  sigaction(SIGBUS, &action, &before);
  volatile bool gone = true;
  if (sigsetjmp(after_fault, 1) == 0) {
    static_cast<void>(*byte);
    gone = false;
  }
  sigaction(SIGBUS, &before, nullptr);
  return gone;
}

void tell_driver(const Place& place, const std::string& what) {
  const std::string path = "/sys/bus/pci/drivers/prd32/" + what;
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  expect_equal(write(file.get(), place.pci.data(), place.pci.size()), place.pci.size(), path);
}

// Whatever a case finds, the card is there again for the next.
class Unbound {
 public:
  explicit Unbound(const Place& place) : place_(place) { tell_driver(place, "unbind"); }
  ~Unbound() { tell_driver(place_, "bind"); }
  Unbound(const Unbound&) = delete;
  Unbound& operator=(const Unbound&) = delete;

 private:
  const Place& place_;
};

// Another process with the same mappings and files, for as long as this lives: whatever a case finds, it ends.
class Sibling {
 public:
  Sibling() : pid_(fork()) {
    expect(pid_ >= 0, "fork");
    if (pid_ == 0) {
      pause();
    }
  }
  ~Sibling() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Sibling(const Sibling&) = delete;
  Sibling& operator=(const Sibling&) = delete;

 private:
  pid_t pid_;
};

short polled(int fd) {
  pollfd entry{fd, POLLIN | POLLOUT, 0};
  expect(poll(&entry, 1, 10000) >= 0, "poll");
  return entry.revents;
}

// Requests that run and wait end with ENODEV; their results are still to be had, and after them there is nothing.
void requests(const Place& place) {
  const Card card(place.device);
  const Mapping memory(16 * kPage);
  const Blockade blockade(place.device);
  for (unsigned index = 0; index < 16; ++index) {
    auto request = user_request(PRD32_TO_HOST, 0, {memory.data() + index * kPage, kPage}, index);
    expect_ok(card.submit(request), "SUBMIT");
  }
  const Unbound unbound(place);
  for (unsigned index = 0; index < 16; ++index) {
    expect_error(-card.result().error, ENODEV, "the end of a request");
  }
  std::vector<prd32_result> none;
  expect_error(card.results(none, 1, -1), ENODEV, "one more");
  auto request = user_request(PRD32_TO_HOST, 0, memory.bytes());
  expect_error(card.submit(request), ENODEV, "SUBMIT");
  expect_error(card.abort(1), ENODEV, "ABORT");
}

// Who waits for a result, or in poll(), hears of it.
void waiters(const Place& place) {
  const Card card(place.device);
  std::vector<pid_t> children;
  for (const bool in_poll : {false, true}) {
    children.push_back(fork());
    expect(children.back() >= 0, "fork");
    if (children.back() == 0) {
      std::vector<prd32_result> none;
      pollfd entry{card.fd(), POLLIN, 0};
      if (in_poll) {
        // For ever: with a limit it looks once more at its end, and would not notice that nobody has woken it.
        _exit(poll(&entry, 1, -1) == 1 && (entry.revents & POLLHUP) != 0 ? ENODEV : 0);
      }
      _exit(card.results(none, 1, -1));
    }
  }
  for (const pid_t child : children) {
    expect_asleep(child);
  }
  const Unbound unbound(place);
  for (const pid_t child : children) {
    int status = 0;
    expect(waitpid(child, &status, 0) == child && WIFEXITED(status), "a child ended");
    expect_error(WEXITSTATUS(status), ENODEV, "what it was told");
  }
}

void queued(const Place& place) {
  const Card card(place.device);
  Bytes bytes(8 * kPage);
  Ring ring(8);
  const Blockade blockade(place.device);
  for (unsigned index = 0; index < 8; ++index) {
    ring.submit(IORING_OP_READ, card.fd(), std::span(bytes).subspan(index * kPage, kPage), 0, index);
  }
  const Unbound unbound(place);
  for (const auto& [cookie, result] : ring.wait(8)) {
    expect_error(-result, ENODEV, "the end of a read");
  }
}

void file(const Place& place) {
  const Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_COHERENT, kPage);
  auto area = make<prd32_ioc_area_alloc>();
  area.length = kMiB;
  expect_ok(card.call(PRD32_IOC_AREA_ALLOC, area), "AREA_ALLOC");
  const Unbound unbound(place);
  expect_equal(polled(card.fd()) & (POLLHUP | POLLERR | POLLOUT), POLLHUP | POLLERR, "poll()");
  auto query = make<prd32_ioc_query>();
  expect_error(card.call(PRD32_IOC_QUERY, query), ENODEV, "QUERY");
  auto more = make<prd32_ioc_buffer_alloc>();
  more.length = 1;
  expect_error(card.call(PRD32_IOC_BUFFER_ALLOC, more), ENODEV, "BUFFER_ALLOC");
  expect_error(card.sync(buffer, PRD32_SYNC_FOR_CPU), ENODEV, "BUFFER_SYNC");
  expect_error(map_error(card.fd(), kPage, buffer.offset, MAP_SHARED), ENODEV, "mmap()");
  auto free = make<prd32_ioc_area_free>();
  free.card_addr = area.card_addr;
  expect_error(card.call(PRD32_IOC_AREA_FREE, free), ENOENT, "AREA_FREE: it went with the card");
  expect_ok(card.free(buffer.handle), "BUFFER_FREE");
  expect_error(card.free(buffer.handle), ENOENT, "BUFFER_FREE again");
}

// The DMA API's memory goes with the card, the driver's own pages stay with who has them.
void mappings(const Place& place) {
  const Card card(place.device);
  const Bytes bytes = pattern(4 * kPage, 61);
  const auto mapped = [&](prd32_buffer_kind kind) { return card.buffer(kind, bytes.size()); };
  const Buffer buffers[] = {mapped(PRD32_BUFFER_COHERENT), mapped(PRD32_BUFFER_WRITE_COMBINE),
                            mapped(PRD32_BUFFER_NONCONTIGUOUS), mapped(PRD32_BUFFER_CACHED)};
  const Mapping coherent(card.fd(), bytes.size(), buffers[0].offset);
  const Mapping combined(card.fd(), bytes.size(), buffers[1].offset);
  const Mapping noncontiguous(card.fd(), bytes.size(), buffers[2].offset);
  const Mapping cached(card.fd(), bytes.size(), buffers[3].offset);
  const Descriptor dma_buf = card.exported(buffers[3].handle);
  for (const Mapping* each : {&coherent, &combined, &noncontiguous, &cached}) {
    std::ranges::copy(bytes, each->data());
  }
  expect_ok(card.free(buffers[0].handle), "freeing one that stays mapped");
  {
    const Sibling sibling;
    const Unbound unbound(place);
    expect(is_gone(coherent.data()), "coherent memory is gone");
    expect(is_gone(combined.data() + kPage), "write-combined memory is gone");
    expect(is_gone(noncontiguous.data() + 3 * kPage), "noncontiguous memory is gone");
    expect_same(cached.bytes(), bytes, "cached memory");
    const Mapping again(dma_buf.get(), bytes.size(), 0);
    expect_same(again.bytes(), bytes, "the dma-buf");
  }
  expect(is_gone(coherent.data()), "a card that comes back does not bring memory back");
  const Card again(place.device);
  auto request = dma_buf_request(PRD32_FROM_HOST, 0, dma_buf.get(), 0, bytes.size(), PRD32_SUBMIT_WAIT);
  expect_ok(again.submit(request), "the old dma-buf and the new card");
  expect_same(again.read(0, bytes.size()), bytes, "card memory");
}

// A file is what its opener gave it, whoever uses it: handles go with the file, not with the process.
void passed_on(const Place& place) {
  std::array<int, 2> ends{};
  expect(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "socketpair");
  const Descriptor sender(ends[0]);
  const Descriptor receiver(ends[1]);
  const pid_t child = fork();
  expect(child >= 0, "fork");
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  Buffer buffer{};
  iovec vector{&buffer, sizeof(buffer)};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (child == 0) {
    if (recvmsg(receiver.get(), &message, 0) < 0) {
      _exit(1);
    }
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    const Mapping mapping(fd, kPage, buffer.offset);
    mapping.data()[0] = 42;
    auto request = buffer_request(PRD32_FROM_HOST, 0, buffer, 0, PRD32_SUBMIT_WAIT);
    _exit(call_raw(fd, PRD32_IOC_SUBMIT, &request) == 0 && request.error == 0 ? 0 : 1);
  }
  {
    const Card card(place.device);
    buffer = card.buffer(PRD32_BUFFER_COHERENT, kPage);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = card.fd();
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    expect(sendmsg(sender.get(), &message, 0) > 0, "sendmsg");
  }  // closed here, and open there
  int status = 0;
  expect(waitpid(child, &status, 0) == child && status == 0, "the child");
  expect_equal(Card(place.device).read(0, 1).front(), 42, "what the child had the card write");
}

// The engine stops for nobody, as who runs this has seen to. Its buffer is never given back, as they then look.
void given_up(const Place& place) {
  const Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_COHERENT, 16 * kPage);
  auto request = buffer_request(PRD32_TO_HOST, 0, buffer, 0, PRD32_SUBMIT_WAIT);
  expect_ok(card.submit(request), "submit");
  expect_error(-request.error, ETIMEDOUT, "the request");
}

}  // namespace

std::vector<Case> lifetime_cases() {
  return {{"unbind.requests", requests}, {"unbind.waiters", waiters},   {"unbind.queued", queued},
          {"unbind.file", file},         {"unbind.mappings", mappings}, {"file.passed_on", passed_on},
          {"stuck.buffer", given_up}};
}

}  // namespace prd32::uapi_test
