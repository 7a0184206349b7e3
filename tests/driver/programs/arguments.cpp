// SPDX-License-Identifier: Apache-2.0
// What every call says to arguments that are wrong.
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "card.hpp"

namespace prd32::uapi_test {
namespace {

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

struct Call {
  const char* name;
  unsigned long number;
  std::size_t size;
  std::uint32_t known_flags;
};

constexpr std::array kCalls{
    Call{"QUERY", PRD32_IOC_QUERY, PRD32_SIZE_VER0_QUERY, 0},
    Call{"STATISTICS", PRD32_IOC_STATISTICS, PRD32_SIZE_VER0_STATISTICS, 0},
    Call{"RESET", PRD32_IOC_RESET, PRD32_SIZE_VER0_RESET, 0},
    Call{"AREA_ALLOC", PRD32_IOC_AREA_ALLOC, PRD32_SIZE_VER0_AREA_ALLOC, 0},
    Call{"AREA_FREE", PRD32_IOC_AREA_FREE, PRD32_SIZE_VER0_AREA_FREE, 0},
    Call{"BUFFER_ALLOC", PRD32_IOC_BUFFER_ALLOC, PRD32_SIZE_VER0_BUFFER_ALLOC, 0},
    Call{"BUFFER_FREE", PRD32_IOC_BUFFER_FREE, PRD32_SIZE_VER0_BUFFER_FREE, 0},
    Call{"BUFFER_SYNC", PRD32_IOC_BUFFER_SYNC, PRD32_SIZE_VER0_BUFFER_SYNC, 0},
    Call{"EXPORT", PRD32_IOC_EXPORT, PRD32_SIZE_VER0_EXPORT, 0},
    Call{"SUBMIT", PRD32_IOC_SUBMIT, PRD32_SIZE_VER0_SUBMIT,
         PRD32_SUBMIT_WAIT | PRD32_SUBMIT_NOWAIT | PRD32_SUBMIT_EVENTFD},
    Call{"RESULT", PRD32_IOC_RESULT, PRD32_SIZE_VER0_RESULT, 0},
    Call{"ABORT", PRD32_IOC_ABORT, PRD32_SIZE_VER0_ABORT, PRD32_ABORT_ALL},
};

// Room for an argument, and for what a later version might add to it.
struct Room {
  alignas(8) std::array<std::uint8_t, 2 * kPage> bytes{};
  void set(std::size_t at, std::uint32_t value) { std::memcpy(bytes.data() + at, &value, sizeof(value)); }
  void set_size(std::uint32_t size) { set(0, size); }
  void set_flags(std::uint32_t flags) { set(4, flags); }
};

void sizes(const Place& place) {
  const Card card(place.device);
  for (const Call& each : kCalls) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{4}, each.size - 1}) {
      Room room;
      room.set_size(static_cast<std::uint32_t>(size));
      expect_error(call_raw(card.fd(), each.number, &room), EINVAL, std::string(each.name) + ", too small");
    }
    Room room;
    room.set_size(kPage + 1);
    expect_error(call_raw(card.fd(), each.number, &room), E2BIG, std::string(each.name) + ", larger than a page");
    room.set_size(static_cast<std::uint32_t>(each.size) + 8);
    room.bytes.at(each.size + 7) = 1;
    expect_error(call_raw(card.fd(), each.number, &room), E2BIG, std::string(each.name) + ", with a field unknown");
  }
}

// What is longer, but zero there, is as good as what has the right size.
void longer(const Place& place) {
  const Card card(place.device);
  for (const Call& each : kCalls) {
    if (each.number == PRD32_IOC_RESET) {
      continue;  // that would work, and others may be at the card
    }
    Room exact;
    Room more;
    exact.set_size(static_cast<std::uint32_t>(each.size));
    more.set_size(kPage);
    expect_error(call_raw(card.fd(), each.number, &more), call_raw(card.fd(), each.number, &exact),
                 std::string(each.name) + ", longer, with zeros");
  }
}

void flags(const Place& place) {
  const Card card(place.device);
  for (const Call& each : kCalls) {
    for (unsigned bit = 0; bit < 32; ++bit) {
      if ((each.known_flags >> bit & 1U) != 0) {
        continue;
      }
      Room room;
      room.set_size(static_cast<std::uint32_t>(each.size));
      room.set_flags(1U << bit);
      expect_error(call_raw(card.fd(), each.number, &room), EINVAL,
                   std::string(each.name) + ", flag " + std::to_string(bit));
    }
  }
}

void pointers(const Place& place) {
  const Card card(place.device);
  for (const Call& each : kCalls) {
    expect_error(call_raw(card.fd(), each.number, nullptr), EFAULT, each.name);
    // The size can be read, and what follows cannot.
    const Mapping mapping(2 * kPage);
    expect(mprotect(mapping.data() + kPage, kPage, PROT_NONE) == 0, "mprotect");
    const auto size = static_cast<std::uint32_t>(each.size);
    std::memcpy(mapping.data() + kPage - sizeof(size), &size, sizeof(size));
    expect_error(call_raw(card.fd(), each.number, mapping.data() + kPage - sizeof(size)), EFAULT,
                 std::string(each.name) + ", cut off");
  }
}

void unknown_numbers(const Place& place) {
  const Card card(place.device);
  Room room;
  room.set_size(64);
  for (unsigned number = 0; number < 0x80; ++number) {
    const unsigned long whole = _IO(PRD32_IOC_TYPE, number);
    if (std::ranges::any_of(kCalls, [&](const Call& each) { return each.number == whole; })) {
      continue;
    }
    expect_error(call_raw(card.fd(), whole, &room), ENOTTY, "number " + std::to_string(number));
  }
  expect_error(call_raw(card.fd(), _IOR(PRD32_IOC_TYPE, 0, int), &room), ENOTTY, "QUERY with a size in its number");
  expect_error(call_raw(card.fd(), _IO(PRD32_IOC_TYPE + 1, 0), &room), ENOTTY, "another driver's number");
}

void query(const Place& place) {
  const prd32_ioc_query found = Card(place.device).query();
  expect_equal(found.uapi_version, PRD32_UAPI_VERSION, "version");
  expect(place.device.ends_with("-" + std::to_string(found.card)), "the card's number is in its name");
  expect(found.memory_size >= kMiB && found.max_request >= 64 * kKiB, "sizes");
  expect(found.granule > 0 && (found.granule & (found.granule - 1)) == 0, "the granule is a power of two");
  expect(found.dma_alignment >= found.granule, "alignment is the granule at least");
  expect(found.max_prds > 0 && found.channels > 0 && found.max_results > 0, "counts");
  expect_equal(found.reserved, 0U, "reserved");
}

// An older program has a smaller structure: it gets what it knows, and not a byte more.
void statistics(const Place& place) {
  const Card card(place.device);
  auto found = make<prd32_ioc_statistics>();
  expect_ok(card.call(PRD32_IOC_STATISTICS, found), "STATISTICS");
  const std::uint64_t before = found.requests;
  static_cast<void>(card.read(0, kPage));
  std::uint64_t after = 0;
  for (found.channel = 0; found.channel < card.query().channels; ++found.channel) {
    expect_ok(card.call(PRD32_IOC_STATISTICS, found), "STATISTICS");
    after += found.requests;
  }
  expect(after > before, "a request is counted");
  expect_error(card.call(PRD32_IOC_STATISTICS, found), EINVAL, "a channel that the card has not");
  found.channel = 0;
  found.reserved = 1;
  expect_error(card.call(PRD32_IOC_STATISTICS, found), EINVAL, "reserved");
}

// Nobody but an administrator may take the card away from others for a moment.
void reset_needs_rights(const Place& place) {
  const Card card(place.device);
  const pid_t child = fork();
  expect(child >= 0, "fork");
  if (child == 0) {
    auto argument = make<prd32_ioc_reset>();
    _exit(seteuid(1000) != 0 ? 255 : card.call(PRD32_IOC_RESET, argument));
  }
  int status = 0;
  expect(waitpid(child, &status, 0) == child && WIFEXITED(status), "the child ended");
  expect_error(WEXITSTATUS(status), EPERM, "RESET by a user");
}

void reset(const Place& place) {
  const Card card(place.device);
  const Bytes bytes = pattern(64 * kKiB, 3);
  card.write(kMiB, bytes);
  auto argument = make<prd32_ioc_reset>();
  expect_ok(card.call(PRD32_IOC_RESET, argument), "RESET");
  expect_same(card.read(kMiB, bytes.size()), bytes, "card memory after a reset");
}

void buffers(const Place& place) {
  const Card card(place.device);
  const Card other(place.device);
  auto argument = make<prd32_ioc_buffer_alloc>();
  expect_error(card.call(PRD32_IOC_BUFFER_ALLOC, argument), EINVAL, "no length");
  for (const std::uint64_t length : {std::uint64_t{PRD32_BUFFER_MAX} + 1, kHuge}) {
    argument.length = length;
    expect_error(card.call(PRD32_IOC_BUFFER_ALLOC, argument), EINVAL, "too long");
  }
  argument.length = kPage;
  argument.kind = PRD32_BUFFER_NONCONTIGUOUS + 1;
  expect_error(card.call(PRD32_IOC_BUFFER_ALLOC, argument), EINVAL, "a kind unknown");

  const Buffer buffer = card.buffer(PRD32_BUFFER_CACHED, 100);
  expect_error(other.free(buffer.handle), ENOENT, "freeing another file's");
  expect_error(other.sync(buffer, PRD32_SYNC_FOR_CPU), ENOENT, "synchronising another file's");
  auto reserved = make<prd32_ioc_buffer_free>();
  reserved.handle = buffer.handle;
  reserved.reserved = 1;
  expect_error(card.call(PRD32_IOC_BUFFER_FREE, reserved), EINVAL, "freeing, reserved");
  expect_ok(card.free(buffer.handle), "freeing");
  for (const std::uint32_t handle : {buffer.handle, 0U, 0xffffffffU}) {
    expect_error(card.free(handle), ENOENT, "freeing what is not there");
  }
}

void handles_run_out(const Place& place) {
  const Card card(place.device);
  std::uint32_t last = 0;
  int error = 0;
  unsigned count = 0;
  while (error == 0 && count < 5000) {
    auto argument = make<prd32_ioc_buffer_alloc>();
    argument.length = 1;
    argument.kind = PRD32_BUFFER_CACHED;
    error = card.call(PRD32_IOC_BUFFER_ALLOC, argument);
    count += error == 0 ? 1 : 0;
    last = error == 0 ? argument.handle : last;
  }
  expect_error(error, ENOSPC, "one more");
  expect_equal(count, 4095U, "buffers of a file");
  expect_ok(card.free(last), "freeing the last");
  expect_ok(card.free(card.buffer(PRD32_BUFFER_CACHED, 1).handle), "there is room again");
}

void sync(const Place& place) {
  const Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_CACHED, 3 * kPage + 5);
  for (const auto to : {PRD32_SYNC_FOR_DEVICE, PRD32_SYNC_FOR_CPU}) {
    expect_ok(card.sync(buffer, to), "all");
    expect_ok(card.sync(buffer, to, buffer.length, 0), "nothing, at the end");
    expect_ok(card.sync(buffer, to, kPage - 1, kPage + 2), "a part");
    expect_error(card.sync(buffer, to, 1, buffer.length), EINVAL, "beyond the end");
    expect_error(card.sync(buffer, to, buffer.length + 1, 0), EINVAL, "behind the end");
    expect_error(card.sync(buffer, to, kHuge, 2), EINVAL, "an offset that wraps");
    expect_error(card.sync(buffer, to, 2, kHuge), EINVAL, "a length that wraps");
  }
  expect_error(card.sync(buffer, 2), EINVAL, "a direction unknown");
  const Buffer coherent = card.buffer(PRD32_BUFFER_COHERENT, kPage);
  expect_ok(card.sync(coherent, PRD32_SYNC_FOR_CPU), "a coherent buffer");
}

void exporting(const Place& place) {
  const Card card(place.device);
  auto argument = make<prd32_ioc_export>();
  expect_error(card.call(PRD32_IOC_EXPORT, argument), ENOENT, "no buffer");
  for (const auto kind : {PRD32_BUFFER_COHERENT, PRD32_BUFFER_WRITE_COMBINE, PRD32_BUFFER_NONCONTIGUOUS}) {
    argument.handle = card.buffer(kind, kPage).handle;
    expect_error(card.call(PRD32_IOC_EXPORT, argument), EOPNOTSUPP, "a kind that cannot be");
  }
}

}  // namespace

std::vector<Case> argument_cases() {
  return {{"arguments.sizes", sizes},
          {"arguments.longer", longer},
          {"arguments.flags", flags},
          {"arguments.pointers", pointers},
          {"arguments.unknown_numbers", unknown_numbers},
          {"arguments.query", query},
          {"arguments.statistics", statistics},
          {"arguments.buffers", buffers},
          {"arguments.handles_run_out", handles_run_out},
          {"arguments.sync", sync},
          {"arguments.exporting", exporting},
          {"reset.needs_rights", reset_needs_rights},
          {"reset.keeps_card_memory", reset}};
}

}  // namespace prd32::uapi_test
