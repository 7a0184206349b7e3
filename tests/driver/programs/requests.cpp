// SPDX-License-Identifier: Apache-2.0
// Requests: all memories, all endpoints, what is refused.
#include <sys/mman.h>

#include <algorithm>
#include <limits>

#include "card.hpp"

namespace prd32::uapi_test {
namespace {

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

int submit(const Card& card, prd32_ioc_submit request) {
  return card.submit(request);
}

// A request that is good, to be spoilt in one respect.
struct Good {
  Good() : memory(2 * kPage), request(user_request(PRD32_TO_HOST, 0, memory.bytes(), 1, PRD32_SUBMIT_WAIT)) {}
  template <typename Spoil>
  prd32_ioc_submit but(Spoil spoil) const {
    prd32_ioc_submit spoilt = request;
    spoil(spoilt);
    return spoilt;
  }
  Mapping memory;
  prd32_ioc_submit request;
};

void refused(const Place& place) {
  const Card card(place.device);
  const Good good;
  const std::uint64_t size = card.query().memory_size;
  const auto expect_refused = [&](int error, std::string_view what, auto spoil) {
    expect_error(submit(card, good.but(spoil)), error, what);
  };
  expect_ok(submit(card, good.request), "the good one");
  expect_refused(EINVAL, "no length", [](auto& request) { request.length = 0; });
  expect_refused(EINVAL, "more than card memory", [&](auto& request) { request.length = size + 1; });
  expect_refused(EINVAL, "a length that wraps", [](auto& request) { request.length = kHuge; });
  expect_refused(EINVAL, "behind card memory", [&](auto& request) { request.card_addr = size; });
  expect_refused(EINVAL, "over its end", [&](auto& request) { request.card_addr = size - kPage; });
  expect_refused(EINVAL, "an address that wraps", [](auto& request) { request.card_addr = kHuge; });
  expect_refused(EINVAL, "more than a request may have",
                 [&](auto& request) { request.length = card.query().max_request + 1; });
  expect_refused(EINVAL, "a direction unknown", [](auto& request) { request.direction = 2; });
  expect_refused(EINVAL, "an endpoint unknown", [](auto& request) { request.endpoint = 4; });
  expect_refused(EINVAL, "a memory unknown", [](auto& request) { request.memory = 3; });
  expect_refused(EINVAL, "a handle too much", [](auto& request) { request.handle = 1; });
  expect_refused(EINVAL, "a dma-buf too much", [](auto& request) { request.fd = 1; });
  expect_refused(EINVAL, "an eventfd too much", [](auto& request) { request.eventfd = 1; });
  expect_refused(EINVAL, "a pattern too much", [](auto& request) { request.pattern = 1; });
  expect_refused(EINVAL, "a seed too much", [](auto& request) { request.pattern_seed = 1; });
  expect_refused(EINVAL, "a rate too much", [](auto& request) { request.pattern_rate = 1; });
  expect_refused(EINVAL, "a FIFO too much", [](auto& request) { request.pattern_fifo = 1; });
  expect_refused(EINVAL, "an address for the checksum", [](auto& request) {
    request.direction = PRD32_FROM_HOST;
    request.endpoint = PRD32_EP_CHECKSUM;
    request.card_addr = 64;
  });
  expect_refused(EINVAL, "a checksum to the host", [](auto& request) { request.endpoint = PRD32_EP_CHECKSUM; });
  expect_refused(EINVAL, "a pattern from the host", [](auto& request) {
    request.direction = PRD32_FROM_HOST;
    request.endpoint = PRD32_EP_PATTERN;
  });
  expect_refused(EINVAL, "a pattern unknown", [](auto& request) {
    request.endpoint = PRD32_EP_PATTERN;
    request.pattern = 2;
  });
  expect_refused(EFAULT, "no memory", [](auto& request) { request.address = 0; });
  expect_refused(EFAULT, "the kernel's memory", [](auto& request) { request.address = kHuge - 2 * kPage; });
  expect_refused(EBADF, "no eventfd", [](auto& request) {
    request.flags |= PRD32_SUBMIT_EVENTFD;
    request.eventfd = -1;
  });
  expect_refused(EINVAL, "an eventfd that is none", [&](auto& request) {
    request.flags |= PRD32_SUBMIT_EVENTFD;
    request.eventfd = card.fd();
  });
}

// Nothing is moved when part of the memory is not there.
void memory_that_ends_early(const Place& place) {
  const Card card(place.device);
  const Mapping memory(3 * kPage);
  expect(mprotect(memory.data() + 2 * kPage, kPage, PROT_NONE) == 0, "mprotect");
  for (const auto direction : {PRD32_TO_HOST, PRD32_FROM_HOST}) {
    expect_error(submit(card, user_request(direction, 0, memory.bytes(), 0, PRD32_SUBMIT_WAIT)), EFAULT,
                 "memory that ends early");
  }
}

void buffers_refused(const Place& place) {
  const Card card(place.device);
  const Card other(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_CACHED, 3 * kPage);
  auto request = buffer_request(PRD32_FROM_HOST, 0, buffer, 0, PRD32_SUBMIT_WAIT);
  expect_ok(submit(card, request), "the good one");
  expect_error(submit(other, request), ENOENT, "another file's");
  request.address = 1 * kPage;
  expect_error(submit(card, request), EINVAL, "over the end");
  request.address = kHuge - kPage + 1;
  expect_error(submit(card, request), EINVAL, "an offset that wraps");
  request.address = 0;
  expect_ok(card.free(buffer.handle), "freeing");
  expect_error(submit(card, request), ENOENT, "freed");
}

void needs_the_right_to(const Place& place) {
  const Good good;
  const Card reader(place.device, O_RDONLY);
  const Card writer(place.device, O_WRONLY);
  const auto out = good.but([](auto& request) { request.direction = PRD32_FROM_HOST; });
  expect_ok(submit(reader, good.request), "reading, opened for it");
  expect_ok(submit(writer, out), "writing, opened for it");
  expect_error(submit(reader, out), EBADF, "writing, opened for reading");
  expect_error(submit(writer, good.request), EBADF, "reading, opened for writing");
}

// Many at once, each with its own bytes, of all sizes; results come with their cookies.
void many(const Place& place) {
  constexpr std::size_t kCount = 64;
  const Card card(place.device);
  std::vector<Bytes> sent;
  for (unsigned index = 0; index < kCount; ++index) {
    sent.push_back(pattern((index + 1) * 2000, index));
    auto request = user_request(PRD32_FROM_HOST, index * 256 * kKiB, sent.back(), index);
    expect_ok(card.submit(request), "SUBMIT");
  }
  std::vector<bool> ended(kCount);
  for (unsigned index = 0; index < kCount; ++index) {
    const prd32_result result = card.result();
    expect(result.cookie < kCount && !ended.at(result.cookie), "a cookie of ours, and each once");
    ended.at(result.cookie) = true;
    expect_error(-result.error, 0, "a request");
    expect_equal(result.moved, sent.at(result.cookie).size(), "bytes moved");
  }
  for (unsigned index = 0; index < kCount; ++index) {
    expect_same(card.read(index * 256 * kKiB, sent[index].size()), sent[index], "card memory");
  }
}

std::uint32_t crc32c(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (unsigned bit = 0; bit < 8; ++bit) {
      crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
    }
  }
  return ~crc;
}

void checksum(const Place& place) {
  const Card card(place.device);
  const Bytes bytes = pattern(24 * kPage, 11);
  const Mapping memory(bytes.size());
  std::ranges::copy(bytes, memory.data());
  auto request = user_request(PRD32_FROM_HOST, 0, memory.bytes(), 5, PRD32_SUBMIT_WAIT);
  request.endpoint = PRD32_EP_CHECKSUM;
  expect_ok(card.submit(request), "SUBMIT, waiting");
  expect_equal(request.crc, crc32c(bytes), "the checksum");
  request.flags = 0;
  expect_ok(card.submit(request), "SUBMIT");
  expect_equal(card.result().crc, crc32c(bytes), "the checksum in the result");
}

void counter(const Place& place) {
  const Card card(place.device);
  const Mapping memory(kMiB);
  auto request = user_request(PRD32_TO_HOST, 0, memory.bytes(), 0, PRD32_SUBMIT_WAIT);
  request.endpoint = PRD32_EP_PATTERN;
  request.pattern = 1;
  request.pattern_seed = 0xfffffff0;
  expect_ok(card.submit(request), "SUBMIT");
  expect_equal(request.moved, memory.size(), "bytes moved");
  Bytes expected;
  for (std::uint32_t word = 0xfffffff0; expected.size() < memory.size(); ++word) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      expected.push_back(static_cast<std::uint8_t>(word >> shift));
    }
  }
  expect_same(memory.bytes(), expected, "the counter");
}

// One channel takes from the host what the other gives back.
void loopback(const Place& place) {
  const Card card(place.device);
  const Mapping out(64 * kKiB);
  const Mapping in(64 * kKiB);
  std::ranges::copy(pattern(out.size(), 6), out.data());
  for (const auto direction : {PRD32_TO_HOST, PRD32_FROM_HOST}) {
    auto request = user_request(direction, 0, direction == PRD32_TO_HOST ? in.bytes() : out.bytes(), direction);
    request.endpoint = PRD32_EP_LOOPBACK;
    expect_ok(card.submit(request), "SUBMIT");
  }
  for (unsigned count = 0; count < 2; ++count) {
    expect_error(-card.result().error, 0, "the loopback");
  }
  expect_same(in.bytes(), out.bytes(), "what came back");
}

void results_refused(const Place& place) {
  const Card card(place.device);
  std::vector<prd32_result> found(2);
  auto argument = make<prd32_ioc_result>();
  argument.results = reinterpret_cast<std::uintptr_t>(found.data());
  argument.result_size = sizeof(prd32_result);
  expect_error(card.call(PRD32_IOC_RESULT, argument), EINVAL, "no room");
  argument.count = 1;
  argument.result_size = sizeof(prd32_result) - 1;
  expect_error(card.call(PRD32_IOC_RESULT, argument), EINVAL, "results too small");
  argument.result_size = kPage + 8;
  expect_error(card.call(PRD32_IOC_RESULT, argument), EINVAL, "results too large");
  argument.result_size = sizeof(prd32_result);
  expect_error(card.call(PRD32_IOC_RESULT, argument), EAGAIN, "no results");

  expect_error(card.abort(7), ENOENT, "nothing to abort");
  expect_ok(card.abort(0, PRD32_ABORT_ALL), "nothing to abort at all");
  expect_error(card.abort(7, PRD32_ABORT_ALL), EINVAL, "all, and one");
  auto reserved = make<prd32_ioc_abort>();
  reserved.reserved = 1;
  expect_error(card.call(PRD32_IOC_ABORT, reserved), EINVAL, "reserved");
}

// A result that could not be stored is not lost; a program that knows more gets zeros.
void results_are_kept(const Place& place) {
  const Card card(place.device);
  const Good good;
  expect_ok(submit(card, good.but([](auto& request) { request.flags = 0; })), "SUBMIT");
  auto argument = make<prd32_ioc_result>();
  argument.results = 8;
  argument.result_size = sizeof(prd32_result);
  argument.count = 1;
  argument.timeout_ns = -1;
  expect_error(card.call(PRD32_IOC_RESULT, argument), EFAULT, "no memory for the result");
  Bytes room(100, 0xff);
  argument.results = reinterpret_cast<std::uintptr_t>(room.data());
  argument.result_size = 80;
  expect_ok(card.call(PRD32_IOC_RESULT, argument), "again");
  expect(std::all_of(room.begin() + sizeof(prd32_result), room.begin() + 80, [](auto byte) { return byte == 0; }),
         "what the kernel does not know is zero");
  expect(std::all_of(room.begin() + 80, room.end(), [](auto byte) { return byte == 0xff; }), "and no more was written");
}

void results_are_limited(const Place& place) {
  const Card card(place.device);
  const Good good;
  const auto request = good.but([](auto& spoilt) {
    spoilt.direction = PRD32_FROM_HOST;  // many may read the same memory at once, and nobody write it
    spoilt.flags = 0;
    spoilt.length = 64;
  });
  const unsigned most = card.query().max_results;
  for (unsigned count = 0; count < most; ++count) {
    expect_ok(submit(card, request), "SUBMIT");
  }
  expect_error(submit(card, request), EBUSY, "one more");
  expect_ok(submit(card, good.request), "one whose result does not stay");
  static_cast<void>(card.result());
  expect_ok(submit(card, request), "one more, after a result was fetched");
  unsigned fetched = 0;
  while (fetched < most) {
    std::vector<prd32_result> found;
    expect_ok(card.results(found, 100, 10'000'000'000), "RESULT");
    fetched += static_cast<unsigned>(found.size());
  }
  std::vector<prd32_result> none;
  expect_error(card.results(none, 1, 0), EAGAIN, "all fetched");
}

}  // namespace

std::vector<Case> request_cases() {
  return {{"request.refused", refused},
          {"request.memory_that_ends_early", memory_that_ends_early},
          {"request.buffers_refused", buffers_refused},
          {"request.needs_the_right_to", needs_the_right_to},
          {"request.many", many},
          {"request.checksum", checksum},
          {"request.counter", counter},
          {"request.loopback", loopback},
          {"result.refused", results_refused},
          {"result.are_kept", results_are_kept},
          {"result.are_limited", results_are_limited}};
}

}  // namespace prd32::uapi_test
