// SPDX-License-Identifier: Apache-2.0
// Reads and writes that nobody waits for: several at once, of every length, and what ends them early.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "queues.hpp"

namespace prd32::uapi_test {
namespace {

constexpr unsigned kCount = 8;
constexpr std::size_t kEach = 64 * kKiB + 77;

Bytes fill(const Card& card) {
  Bytes bytes = pattern(kCount * kEach, 51);
  card.write(0, bytes);
  return bytes;
}

void expect_all(const std::map<std::uint64_t, int>& results, int result) {
  expect_equal(results.size(), kCount, "different cookies");
  for (const auto& [cookie, found] : results) {
    expect_equal(found, result, "result of request " + std::to_string(cookie));
  }
}

// They are under way while nothing can end, which no interface that waits for one after the other would allow.
void several_at_once(const Place& place) {
  const Card card(place.device);
  const Bytes bytes = fill(card);
  Bytes found(bytes.size());
  Ring ring(kCount);
  Blockade blockade(place.device);
  for (unsigned index = 0; index < kCount; ++index) {
    ring.submit(IORING_OP_READ, card.fd(), std::span(found).subspan(index * kEach, kEach), index * kEach, index);
  }
  expect_equal(ring.ready(), 0U, "requests that ended while the card was busy");
  blockade.release();
  expect_all(ring.wait(kCount), static_cast<int>(kEach));
  expect_same(found, bytes, "what was read");
}

void aio_several_at_once(const Place& place) {
  const Card card(place.device);
  const Bytes bytes = fill(card);
  Bytes found(bytes.size());
  AioContext context(kCount);
  Blockade blockade(place.device);
  for (unsigned index = 0; index < kCount; ++index) {
    context.submit(IOCB_CMD_PREAD, card.fd(), std::span(found).subspan(index * kEach, kEach), index * kEach, index);
  }
  expect_equal(context.ready().size(), 0U, "requests that ended while the card was busy");
  blockade.release();
  expect_all(context.wait(kCount), static_cast<int>(kEach));
  expect_same(found, bytes, "what was read");
}

void writes(const Place& place) {
  const Card card(place.device);
  Bytes bytes = pattern(kCount * kEach, 52);
  Ring ring(kCount);
  for (unsigned index = 0; index < kCount; ++index) {
    ring.submit(IORING_OP_WRITE, card.fd(), std::span(bytes).subspan(index * kEach, kEach), index * kEach, index);
  }
  expect_all(ring.wait(kCount), static_cast<int>(kEach));
  expect_same(card.read(0, bytes.size()), bytes, "card memory");
}

// More than is mapped at a time, in one request.
void longer_than_a_chunk(const Place& place) {
  const Card card(place.device);
  const std::size_t size = card.query().max_request * 5 / 2 + 1;
  const Mapping memory(size);
  const Bytes bytes = pattern(size, 53);
  card.write(3, std::span(bytes).first(size));
  Ring ring(1);
  ring.submit(IORING_OP_READ, card.fd(), memory.bytes(), 3, 9);
  expect_equal(ring.wait(1).at(9), size, "its result");
  expect_same(memory.bytes(), bytes, "what was read");
}

// Memory that the kernel keeps pinned for the ring.
void kept_memory(const Place& place) {
  const Card card(place.device);
  const Bytes bytes = fill(card);
  const Mapping memory(kCount * kEach);
  Ring ring(kCount);
  expect_ok(ring.keep(memory.bytes()), "IORING_REGISTER_BUFFERS");
  for (unsigned index = 0; index < kCount; ++index) {
    ring.submit(IORING_OP_READ_FIXED, card.fd(), memory.bytes().subspan(index * kEach, kEach), index * kEach, index);
  }
  expect_all(ring.wait(kCount), static_cast<int>(kEach));
  expect_same(memory.bytes().first(bytes.size()), bytes, "what was read");
}

// Pieces of memory that are nobody's neighbours, an empty one, and one that is in use by the next request, too.
constexpr std::array kPieces{std::size_t{1}, 3 * kPage, std::size_t{0}, std::size_t{77}, 64 * kKiB + 1, kPage - 1};

class Pieces {
 public:
  explicit Pieces(unsigned seed) {
    for (const std::size_t size : kPieces) {
      pieces_.push_back(pattern(size, seed++));
      vectors_.push_back({pieces_.back().data(), size});
    }
  }
  [[nodiscard]] std::span<const iovec> vectors() const { return vectors_; }
  [[nodiscard]] Bytes joined() const {
    Bytes all;
    for (const Bytes& piece : pieces_) {
      all.insert(all.end(), piece.begin(), piece.end());
    }
    return all;
  }

 private:
  std::vector<Bytes> pieces_;
  std::vector<iovec> vectors_;
};

// Several pieces in one request, all of them moved.
template <typename Queue>
void vectors(const Place& place, std::uint8_t reading, std::uint8_t writing) {
  const Card card(place.device);
  const Pieces out(54);
  const Bytes bytes = out.joined();
  Queue queue(2);
  queue.submit(writing, card.fd(), out.vectors(), 5, 1);
  expect_equal(queue.wait(1).at(1), bytes.size(), "the result of writing");
  expect_same(card.read(5, bytes.size()), bytes, "card memory");
  const Pieces in(64);
  queue.submit(reading, card.fd(), in.vectors(), 5, 2);
  expect_equal(queue.wait(1).at(2), bytes.size(), "the result of reading");
  expect_same(in.joined(), bytes, "what was read");
}

void ring_vectors(const Place& place) {
  vectors<Ring>(place, IORING_OP_READV, IORING_OP_WRITEV);
}

void aio_vectors(const Place& place) {
  vectors<AioContext>(place, IOCB_CMD_PREADV, IOCB_CMD_PWRITEV);
}

// What comes before a piece that is not there is moved, and what comes behind the card's end is not.
void vectors_cut(const Place& place) {
  const Card card(place.device);
  const Bytes bytes = pattern(2 * kPage, 55);
  const std::uint64_t end = card.query().memory_size;
  card.write(end - bytes.size(), bytes);
  Bytes first(kPage);
  Bytes second(2 * kPage);
  const std::array missing{iovec{first.data(), first.size()}, iovec{nullptr, kPage},
                           iovec{second.data(), second.size()}};
  const std::array beyond{iovec{first.data(), first.size()}, iovec{second.data(), second.size()}};
  Ring ring(2);
  ring.submit(IORING_OP_READV, card.fd(), missing, end - 2 * kPage, 1);
  expect_equal(ring.wait(1).at(1), kPage, "with a piece that is not there");
  expect_same(first, std::span(bytes).first(kPage), "the piece before");
  ring.submit(IORING_OP_READV, card.fd(), beyond, end - 2 * kPage, 2);
  expect_equal(ring.wait(1).at(2), 2 * kPage, "over the end");
  expect_same(std::span(second).first(kPage), std::span(bytes).subspan(kPage), "the last page");
}

void bounds(const Place& place) {
  const Card card(place.device);
  const std::uint64_t end = card.query().memory_size;
  Bytes bytes(kPage);
  Ring ring(4);
  ring.submit(IORING_OP_READ, card.fd(), bytes, end, 1);
  ring.submit(IORING_OP_WRITE, card.fd(), bytes, end, 2);
  ring.submit(IORING_OP_READ, card.fd(), bytes, end - 10, 3);
  ring.submit(IORING_OP_READ, card.fd(), {static_cast<std::uint8_t*>(nullptr), kPage}, 0, 4);
  auto results = ring.wait(4);
  expect_equal(results.at(1), 0, "reading behind the end");
  expect_equal(results.at(2), -ENOSPC, "writing behind the end");
  expect_equal(results.at(3), 10, "reading over the end");
  expect_equal(results.at(4), -EFAULT, "reading to nowhere");
}

// Who does not wait anyway is not sent away with O_NONBLOCK. And poll() has no say: it speaks of results.
void nonblocking(const Place& place) {
  const Card card(place.device, O_RDWR | O_NONBLOCK);
  Bytes bytes(kPage);
  Ring ring(1);
  Blockade blockade(place.device);
  ring.submit(IORING_OP_READ, card.fd(), bytes, 0, 1);
  expect_equal(ring.ready(), 0U, "requests that ended while the card was busy");
  blockade.release();
  expect_equal(ring.wait(1).at(1), kPage, "its result");
}

// The program goes while its requests wait behind others'.
void killed(const Place& place) {
  Blockade blockade(place.device);
  std::array<int, 2> ends{};
  expect(pipe(ends.data()) == 0, "pipe");
  const Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  const pid_t child = fork();
  expect(child >= 0, "fork");
  if (child == 0) {
    const Card card(place.device);
    Bytes bytes(kCount * kEach);
    Ring ring(kCount);
    for (unsigned index = 0; index < kCount; ++index) {
      ring.submit(IORING_OP_READ, card.fd(), std::span(bytes).subspan(index * kEach, kEach), index * kEach, index);
    }
    static_cast<void>(write(writing.get(), "!", 1) == 1);
    pause();
  }
  char byte = 0;
  expect_equal(read(reading.get(), &byte, 1), 1, "word from the child");
  kill(child, SIGKILL);
  blockade.release();
  int status = 0;
  expect(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "the child was killed");
  const Card card(place.device);
  static_cast<void>(card.read(0, kPage));
}

}  // namespace

std::vector<Case> async_cases() {
  return {{"ring.several_at_once", several_at_once},
          {"ring.writes", writes},
          {"ring.longer_than_a_chunk", longer_than_a_chunk},
          {"ring.vectors", ring_vectors},
          {"ring.vectors_cut", vectors_cut},
          {"ring.bounds", bounds},
          {"ring.nonblocking", nonblocking},
          {"ring.killed", killed},
          {"kept.memory", kept_memory},
          {"aio.several_at_once", aio_several_at_once},
          {"aio.vectors", aio_vectors}};
}

}  // namespace prd32::uapi_test
