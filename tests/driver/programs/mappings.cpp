// SPDX-License-Identifier: Apache-2.0
// Buffers of the driver, in user space.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "card.hpp"

namespace prd32::uapi_test {
namespace {

constexpr std::array kKinds{PRD32_BUFFER_COHERENT, PRD32_BUFFER_WRITE_COMBINE, PRD32_BUFFER_CACHED,
                            PRD32_BUFFER_NONCONTIGUOUS};

std::string named(prd32_buffer_kind kind) {
  return "kind " + std::to_string(kind);
}

void done(const Card& card, prd32_ioc_submit request, const std::string& what) {
  expect_ok(card.submit(request), what + ": SUBMIT");
  expect_error(-request.error, 0, what);
  expect_equal(request.moved, request.length, what + ": bytes moved");
}

// The processor fills it, the card reads it; then the other way round. The card's side is seen through the file.
void there_and_back(const Place& place, prd32_buffer_kind kind, std::size_t size) {
  const Card card(place.device);
  const Buffer buffer = card.buffer(kind, size);
  const Mapping mapping(card.fd(), size, buffer.offset);
  const Bytes out = pattern(size, 1);
  const Bytes in = pattern(size, 2);

  std::ranges::copy(out, mapping.data());
  expect_ok(card.sync(buffer, PRD32_SYNC_FOR_DEVICE), "to the card");
  done(card, buffer_request(PRD32_FROM_HOST, kMiB, buffer, 0, PRD32_SUBMIT_WAIT), "from the buffer");
  expect_same(card.read(kMiB, size), out, "card memory");

  card.write(kMiB, in);
  done(card, buffer_request(PRD32_TO_HOST, kMiB, buffer, 0, PRD32_SUBMIT_WAIT), "to the buffer");
  expect_ok(card.sync(buffer, PRD32_SYNC_FOR_CPU), "to the processor");
  expect_same(mapping.bytes().first(size), in, "the buffer");
}

void coherent(const Place& place) {
  there_and_back(place, PRD32_BUFFER_COHERENT, 256 * kKiB);
}
void write_combine(const Place& place) {
  there_and_back(place, PRD32_BUFFER_WRITE_COMBINE, 256 * kKiB);
}
void cached(const Place& place) {
  there_and_back(place, PRD32_BUFFER_CACHED, 4 * kMiB + 300);
}
void noncontiguous(const Place& place) {
  there_and_back(place, PRD32_BUFFER_NONCONTIGUOUS, 64 * kKiB);
}
void noncontiguous_cut(const Place& place) {
  there_and_back(place, PRD32_BUFFER_NONCONTIGUOUS, kMiB);
}

// Where the card's view is a copy, what it wrote is not there until the buffer was synchronised: and it is then.
void cached_needs_sync(const Place& place) {
  const Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_CACHED, 64 * kKiB);
  const Mapping mapping(card.fd(), buffer.length, buffer.offset);
  const Bytes before = pattern(buffer.length, 3);
  const Bytes after = pattern(buffer.length, 4);
  std::ranges::copy(before, mapping.data());
  expect_ok(card.sync(buffer, PRD32_SYNC_FOR_DEVICE), "to the card");
  card.write(0, after);
  done(card, buffer_request(PRD32_TO_HOST, 0, buffer, 0, PRD32_SUBMIT_WAIT), "to the buffer");
  expect_same(mapping.bytes(), before, "the buffer without synchronisation");
  expect_ok(card.sync(buffer, PRD32_SYNC_FOR_CPU, kPage, kPage), "one page to the processor");
  expect_same(mapping.bytes().subspan(kPage, kPage), std::span(after).subspan(kPage, kPage), "the page");
  expect_same(mapping.bytes().first(kPage), std::span(before).first(kPage), "the page before it");
  expect_ok(card.sync(buffer, PRD32_SYNC_FOR_CPU), "all to the processor");
  expect_same(mapping.bytes(), after, "the buffer");
}

void part(const Place& place) {
  const Card card(place.device);
  for (const auto kind : kKinds) {
    const Buffer buffer = card.buffer(kind, 8 * kPage);
    const Mapping whole(card.fd(), 8 * kPage, buffer.offset);
    const Mapping middle(card.fd(), 2 * kPage, buffer.offset + 3 * kPage);
    const Bytes bytes = pattern(8 * kPage, kind);
    std::ranges::copy(bytes, whole.data());
    expect_same(middle.bytes(), std::span(bytes).subspan(3 * kPage, 2 * kPage), named(kind) + ": a part");
  }
}

void arguments(const Place& place) {
  const Card card(place.device);
  const Card other(place.device);
  const int fd = card.fd();
  for (const auto kind : kKinds) {
    const Buffer buffer = card.buffer(kind, 3 * kPage + 1);
    const std::uint64_t at = buffer.offset;
    expect_ok(map_error(fd, 4 * kPage, at, MAP_SHARED), named(kind) + ": all");
    expect_error(map_error(fd, 5 * kPage, at, MAP_SHARED), EINVAL, named(kind) + ": too long");
    expect_error(map_error(fd, kPage, at + 4 * kPage, MAP_SHARED), EINVAL, named(kind) + ": behind the end");
    expect_error(map_error(fd, 2 * kPage, at + 3 * kPage, MAP_SHARED), EINVAL, named(kind) + ": over the end");
    expect_error(map_error(fd, kPage, at, MAP_PRIVATE), EINVAL, named(kind) + ": private");
    expect_error(map_error(fd, kPage, at + (1ULL << 44U), MAP_SHARED), EINVAL, named(kind) + ": a handle too large");
    expect_error(map_error(other.fd(), kPage, at, MAP_SHARED), EINVAL, named(kind) + ": another file's");
    expect_ok(card.free(buffer.handle), "freeing");
    expect_error(map_error(fd, kPage, at, MAP_SHARED), EINVAL, named(kind) + ": freed");
  }
  expect_error(map_error(fd, kPage, 0, MAP_SHARED), EINVAL, "no buffer");
}

// Memory that has just been somebody's, so that what is not zeroed shows.
void dirty_free_memory() {
  const Mapping memory(64 * kMiB);
  std::memset(memory.data(), 0xa5, memory.size());
}

void subpage(const Place& place) {
  const Card card(place.device);
  dirty_free_memory();
  for (const auto kind : kKinds) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{100}, kPage + 1, 5 * kPage - 1}) {
      const Buffer buffer = card.buffer(kind, size);
      const Mapping mapping(card.fd(), (size + kPage - 1) / kPage * kPage, buffer.offset);
      expect_ok(card.sync(buffer, PRD32_SYNC_FOR_CPU), "to the processor");
      expect(std::ranges::all_of(mapping.bytes(), [](std::uint8_t byte) { return byte == 0; }),
             named(kind) + ": all is zero, also behind the end");
    }
  }
}

// What the card writes ends where the buffer does.
void subpage_tail_stays(const Place& place) {
  const Card card(place.device);
  const std::size_t granule = card.query().granule;
  const std::size_t size = 100 * granule % kPage;
  for (const auto kind : kKinds) {
    const Buffer buffer = card.buffer(kind, size);
    const Mapping mapping(card.fd(), kPage, buffer.offset);
    const Bytes bytes = pattern(kPage, 9);
    card.write(0, bytes);
    expect_ok(card.sync(buffer, PRD32_SYNC_FOR_DEVICE), "to the card");
    done(card, buffer_request(PRD32_TO_HOST, 0, buffer, 0, PRD32_SUBMIT_WAIT), "to the buffer");
    expect_ok(card.sync(buffer, PRD32_SYNC_FOR_CPU), "to the processor");
    expect_same(mapping.bytes().first(size), std::span(bytes).first(size), named(kind));
    expect(std::ranges::all_of(mapping.bytes().subspan(size), [](std::uint8_t byte) { return byte == 0; }),
           named(kind) + ": what is behind the buffer");
  }
}

// The card's own read() is direct I/O: it wants pages, which memory of the DMA API has not, unless an IOMMU's driver
// put it together of some.
void direct_io(const Place& place) {
  const Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_COHERENT, kPage);
  const Mapping mapping(card.fd(), kPage, buffer.offset);
  const Bytes bytes = pattern(kPage, 8);
  card.write(0, bytes);
  const ssize_t count = pread(card.fd(), mapping.data(), kPage, 0);
  expect((count == -1 && errno == EFAULT) || count == kPage, "read() into a coherent buffer: all, or EFAULT");
  if (count > 0) {
    expect_same(mapping.bytes(), bytes, "what was read");
  }
  expect_ok(map_error(card.fd(), kPage, buffer.offset, MAP_SHARED), "and nothing was broken");
}

// Those of a cached buffer have them: a pipe takes them as they are.
void cached_has_pages(const Place& place) {
  const Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_CACHED, kPage);
  const Mapping mapping(card.fd(), kPage, buffer.offset);
  const Bytes bytes = pattern(kPage, 5);
  std::ranges::copy(bytes, mapping.data());
  std::array<int, 2> ends{};
  expect(pipe(ends.data()) == 0, "pipe");
  const Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  const iovec vector{mapping.data(), kPage};
  expect_equal(vmsplice(writing.get(), &vector, 1, 0), kPage, "bytes given to the pipe");
  Bytes found(kPage);
  expect_equal(::read(reading.get(), found.data(), kPage), kPage, "bytes from the pipe");
  expect_same(found, bytes, "through the pipe");
}

void outlives_its_handle(const Place& place) {
  Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_COHERENT, 4 * kPage);
  const Mapping mapping(card.fd(), 4 * kPage, buffer.offset);
  std::memset(mapping.data(), 1, mapping.size());
  expect_ok(card.free(buffer.handle), "freeing what is mapped");
  std::memset(mapping.data(), 2, mapping.size());
  card.close();
  std::memset(mapping.data(), 3, mapping.size());
  expect(std::ranges::all_of(mapping.bytes(), [](std::uint8_t byte) { return byte == 3; }), "the mapping lives on");
}

void child_has_it_too(const Place& place) {
  const Card card(place.device);
  for (const auto kind : kKinds) {
    const Buffer buffer = card.buffer(kind, 2 * kPage);
    const Mapping mapping(card.fd(), 2 * kPage, buffer.offset);
    const pid_t child = fork();
    expect(child >= 0, "fork");
    if (child == 0) {
      mapping.data()[kPage] = 77;
      munmap(mapping.data(), kPage);
      _exit(0);
    }
    int status = 0;
    expect(waitpid(child, &status, 0) == child && status == 0, named(kind) + ": the child");
    expect_equal(mapping.data()[kPage], 77, named(kind) + ": what the child wrote");
  }
}

// A buffer of each kind, until somebody ends the program.
void hold(const Place& place) {
  const Card card(place.device);
  for (const auto kind : kKinds) {
    static_cast<void>(card.buffer(kind, 64 * kKiB));
  }
  pause();
}

}  // namespace

std::vector<Case> mapping_cases() {
  return {{"mmap.coherent", coherent},
          {"mmap.write_combine", write_combine},
          {"mmap.cached", cached},
          {"mmap.noncontiguous", noncontiguous},
          {"mmap.noncontiguous_cut", noncontiguous_cut},
          {"mmap.part", part},
          {"mmap.arguments", arguments},
          {"mmap.subpage", subpage},
          {"mmap.subpage_tail_stays", subpage_tail_stays},
          {"mmap.direct_io", direct_io},
          {"mmap.cached_has_pages", cached_has_pages},
          {"mmap.outlives_its_handle", outlives_its_handle},
          {"mmap.child_has_it_too", child_has_it_too},
          {"copied.cached_needs_sync", cached_needs_sync},
          {"hold.buffers", hold}};
}

}  // namespace prd32::uapi_test
