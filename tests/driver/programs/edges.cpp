// SPDX-License-Identifier: Apache-2.0
// Memory of any alignment, on cards that move granules and beside memory that is in use: not a neighbour's byte
// changes.
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "card.hpp"

namespace prd32::uapi_test {
namespace {

constexpr std::size_t kStretch = 64 * kKiB;  // of card memory that the cases use
enum class How { kCall, kSubmit, kQueued };

struct Edges {
  std::size_t card_at;
  std::size_t host_at;
  std::size_t length;
};

void move(const Card& card, prd32_direction direction, std::uint64_t at, std::span<std::uint8_t> bytes, How how) {
  if (how == How::kCall) {
    const auto offset = static_cast<off_t>(at);
    const ssize_t moved = direction == PRD32_TO_HOST ? pread(card.fd(), bytes.data(), bytes.size(), offset)
                                                     : pwrite(card.fd(), bytes.data(), bytes.size(), offset);
    expect_equal(moved, bytes.size(), "bytes moved by read() or write()");
    return;
  }
  auto request = user_request(direction, at, bytes, 0, how == How::kSubmit ? PRD32_SUBMIT_WAIT : 0);
  expect_ok(card.submit(request), "SUBMIT");
  const auto [moved, error] = how == How::kSubmit ? std::pair(request.moved, request.error) : [&] {
    const prd32_result result = card.result();
    return std::pair(result.moved, result.error);
  }();
  expect_error(-error, 0, "the request");
  expect_equal(moved, bytes.size(), "bytes moved");
}

// A stretch of card memory, and what must be there.
class Stretch {
 public:
  Stretch(const Card& card, std::uint64_t begin) : card_(card), begin_(begin), bytes_(pattern(kStretch, 31)) {
    card.write(begin, bytes_);
  }

  void out(const Edges& edges, How how, unsigned seed) {
    Bytes host = pattern(2 * kStretch, seed);
    const Bytes before = host;
    move(card_, PRD32_FROM_HOST, begin_ + edges.card_at, std::span(host).subspan(edges.host_at, edges.length), how);
    std::copy_n(host.begin() + static_cast<std::ptrdiff_t>(edges.host_at), edges.length,
                bytes_.begin() + static_cast<std::ptrdiff_t>(edges.card_at));
    expect_same(host, before, "host memory that was read");
    expect_same(card_.read(begin_, kStretch), bytes_, "card memory");
  }

  void in(const Edges& edges, How how, unsigned seed) {
    Bytes host = pattern(2 * kStretch, seed);
    Bytes expected = host;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(edges.card_at), edges.length,
                expected.begin() + static_cast<std::ptrdiff_t>(edges.host_at));
    move(card_, PRD32_TO_HOST, begin_ + edges.card_at, std::span(host).subspan(edges.host_at, edges.length), how);
    expect_same(host, expected, "host memory");
  }

 private:
  const Card& card_;
  std::uint64_t begin_;
  Bytes bytes_;
};

void try_all(const Card& card, std::uint64_t begin, How how, const std::vector<Edges>& all) {
  Stretch stretch(card, begin);
  unsigned seed = 100;
  for (const Edges& edges : all) {
    try {
      stretch.out(edges, how, ++seed);
      stretch.in(edges, how, ++seed);
    } catch (const Failure& failure) {
      throw Failure(std::string(failure.what()) + " (card " + std::to_string(edges.card_at) + ", host " +
                    std::to_string(edges.host_at) + ", length " + std::to_string(edges.length) + ")");
    }
  }
}

// Around the smallest sizes, all of them; beyond, at random.
std::vector<Edges> systematic(std::size_t granule) {
  std::vector<Edges> all;
  for (std::size_t length = 1; length <= 2 * granule + 1; ++length) {
    for (std::size_t host_at = 0; host_at < 2 * granule; ++host_at) {
      all.push_back({host_at % 3, host_at, length});
    }
  }
  return all;
}

std::vector<Edges> at_random(std::size_t count, std::size_t largest) {
  std::mt19937 random(count);
  std::vector<Edges> all;
  for (std::size_t index = 0; index < count; ++index) {
    const std::size_t length = 1 + random() % largest;
    all.push_back({random() % (kStretch - length + 1), random() % (kStretch - length + 1), length});
  }
  return all;
}

void small(const Place& place, How how) {
  const Card card(place.device);
  try_all(card, 0, how, systematic(std::min<std::size_t>(card.query().granule, 8)));
  try_all(card, 0, how, at_random(60, 300));
}

void by_call(const Place& place) {
  small(place, How::kCall);
}
void by_request(const Place& place) {
  small(place, How::kSubmit);
}
void by_queued_request(const Place& place) {
  small(place, How::kQueued);
}

void large(const Place& place) {
  const Card card(place.device);
  try_all(card, 5 * kMiB + 1, How::kCall, at_random(30, kStretch));
}

// Whole granules from the last bytes on would be behind the end of card memory.
void at_the_end(const Place& place) {
  const Card card(place.device);
  const std::uint64_t end = card.query().memory_size;
  std::vector<Edges> all;
  for (std::size_t length = 1; length < 12; ++length) {
    for (std::size_t host_at = 0; host_at < 5; ++host_at) {
      all.push_back({kStretch - length, host_at, length});
    }
  }
  all.push_back({kStretch - 4097, 3, 4097});
  try_all(card, end - kStretch, How::kCall, all);
}

// Each element has edges of its own.
void many_elements(const Place& place) {
  const Card card(place.device);
  Bytes out = pattern(5000, 41);
  Bytes in(out.size() + 100, 0xee);
  std::vector<iovec> from;
  std::vector<iovec> to;
  std::size_t at = 0;
  for (std::size_t length = 1; at < out.size(); length = length * 2 + 1) {
    length = std::min(length, out.size() - at);
    from.push_back({out.data() + at, length});
    to.push_back({in.data() + at + to.size(), length});  // a byte between each two stays as it is
    at += length;
  }
  expect_equal(pwritev(card.fd(), from.data(), static_cast<int>(from.size()), 777), out.size(), "bytes written");
  expect_equal(preadv(card.fd(), to.data(), static_cast<int>(to.size()), 777), out.size(), "bytes read");
  Bytes found;
  for (std::size_t index = 0; index < to.size(); ++index) {
    const auto* bytes = static_cast<const std::uint8_t*>(to[index].iov_base);
    found.insert(found.end(), bytes, bytes + to[index].iov_len);
    expect_equal(bytes[to[index].iov_len], 0xee, "the byte behind element " + std::to_string(index));
  }
  expect_same(found, out, "what came back");
}

// Another thread writes to the bytes on both sides all the time, as it may: none of its writes is undone.
void busy_neighbours(const Place& place) {
  constexpr std::size_t kLength = 1000;
  const Card card(place.device);
  const Mapping memory(kPage);
  auto* const begin = memory.data() + 1111;
  std::atomic_ref<std::uint8_t> before(begin[-1]);
  std::atomic_ref<std::uint8_t> after(begin[kLength]);
  std::atomic<bool> stop = false;
  std::atomic<unsigned> lost = 0;
  std::thread neighbour([&] {
    for (std::uint8_t value = 1; !stop; ++value) {
      before = value;
      after = value;
      std::this_thread::yield();
      lost += before != value || after != value ? 1U : 0U;
    }
  });
  for (unsigned round = 0; round < 200; ++round) {
    move(card, PRD32_TO_HOST, 64, {begin, kLength}, How::kCall);
  }
  stop = true;
  neighbour.join();
  expect_equal(lost.load(), 0U, "writes of a neighbour that were undone");
}

void what_stays_refused(const Place& place) {
  const Card card(place.device);
  const auto alignment = card.query().dma_alignment;
  expect(alignment > 1, "a card or a machine with edges");
  const Mapping memory(4 * kPage);
  auto request = user_request(PRD32_TO_HOST, 0, memory.bytes(), 0, PRD32_SUBMIT_WAIT);
  request.endpoint = PRD32_EP_PATTERN;
  expect_ok(card.submit(request), "the pattern, aligned");
  ++request.address;
  request.length = kPage;
  expect_error(card.submit(request), EINVAL, "the pattern, with edges");
}

void buffers_of_granules(const Place& place) {
  const Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_COHERENT, kPage);
  const std::uint32_t granule = card.query().granule;
  expect(granule > 1, "a card that moves granules");
  auto request = buffer_request(PRD32_TO_HOST, 1, buffer, 0, PRD32_SUBMIT_WAIT);
  request.length = granule;
  expect_ok(card.submit(request), "a granule, from anywhere in card memory");
  request.address = 1;
  expect_error(card.submit(request), EINVAL, "an offset within a granule");
  request.address = 0;
  request.length = granule + 1;
  expect_error(card.submit(request), EINVAL, "a length that is no multiple");
}

}  // namespace

std::vector<Case> edge_cases() {
  return {{"edge.by_call", by_call},
          {"edge.by_request", by_request},
          {"edge.by_queued_request", by_queued_request},
          {"edge.large", large},
          {"edge.at_the_end", at_the_end},
          {"edge.many_elements", many_elements},
          {"edge.busy_neighbours", busy_neighbours},
          {"edged.what_stays_refused", what_stays_refused},
          {"granule.buffers", buffers_of_granules}};
}

}  // namespace prd32::uapi_test
