// SPDX-License-Identifier: Apache-2.0
// put, get and roundtrip: whole transfers through /dev/prd32-N.
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "commands.hpp"
#include "scattered_buffer.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

constexpr std::uint64_t kBufferBytes = 64U << 20U;  // of put and get; larger files go in several calls

// What the transfers of one command came to.
struct Total {
  std::uint64_t calls = 0;
  double seconds = 0;  // inside the system calls
};

void write_card(const File& card, std::span<const std::uint8_t> data, std::uint64_t offset, Total& total) {
  while (!data.empty()) {
    const Stopwatch watch;
    const ssize_t done = pwrite(card.get(), data.data(), data.size(), static_cast<off_t>(offset));
    total.seconds += watch.seconds();
    total.calls++;
    if (done <= 0) {
      fail(text("writing ", data.size(), " bytes to ", card.name(), " at ", offset));
    }
    offset += static_cast<std::uint64_t>(done);
    data = data.subspan(static_cast<std::size_t>(done));
  }
}

void read_card(const File& card, std::span<std::uint8_t> data, std::uint64_t offset, Total& total) {
  while (!data.empty()) {
    const Stopwatch watch;
    const ssize_t done = pread(card.get(), data.data(), data.size(), static_cast<off_t>(offset));
    total.seconds += watch.seconds();
    total.calls++;
    if (done < 0) {
      fail(text("reading ", data.size(), " bytes from ", card.name(), " at ", offset));
    }
    if (done == 0) {
      throw Mismatch(text(card.name(), " ends at ", offset, ", ", data.size(), " bytes early"));
    }
    offset += static_cast<std::uint64_t>(done);
    data = data.subspan(static_cast<std::size_t>(done));
  }
}

// The kernel copies; one of the two is the card.
Json splice(const CopyOptions& options, const File& source, const File& target, std::uint64_t size) {
  Total total;
  for (std::uint64_t done = 0; done < size;) {
    const Stopwatch watch;
    const ssize_t part = sendfile(target.get(), source.get(), nullptr, static_cast<std::size_t>(size - done));
    total.seconds += watch.seconds();
    total.calls++;
    if (part < 0) {
      fail(text("sendfile() from ", source.name(), " to ", target.name()));
    }
    if (part == 0) {
      throw Mismatch(text(source.name(), " ends ", size - done, " bytes early"));
    }
    done += static_cast<std::uint64_t>(part);
  }
  return {{"file", options.file}, {"bytes", size},        {"offset", options.offset},
          {"pieces", nullptr},    {"calls", total.calls}, {"seconds", total.seconds}};
}

void seek(const File& card, std::uint64_t offset) {
  if (lseek(card.get(), static_cast<off_t>(offset), SEEK_SET) < 0) {
    fail(text("cannot go to ", offset, " on ", card.name()));
  }
}

Json pieces_of(const ScatteredBuffer& buffer) {
  const auto pieces = buffer.pieces();
  return pieces ? Json(*pieces) : Json(nullptr);
}

Json copy_result(const CopyOptions& options, std::uint64_t size, const ScatteredBuffer& buffer, const Total& total) {
  if (!buffer.guards_intact()) {
    throw Mismatch("bytes next to the buffer were changed");
  }
  return {{"file", options.file},        {"bytes", size},        {"offset", options.offset},
          {"pieces", pieces_of(buffer)}, {"calls", total.calls}, {"seconds", total.seconds}};
}

void check(const ScatteredBuffer& buffer, const RoundtripOptions& options, std::uint64_t seed) {
  const std::size_t good = matching_pattern(buffer.data(), seed, options.card_offset);
  if (good != options.size) {
    throw Mismatch(text("byte ", good, " of ", options.size, " came back as ", hex(buffer.data()[good]), ", it was ",
                        hex(pattern_byte(seed, options.card_offset + good))));
  }
  if (!buffer.guards_intact()) {
    throw Mismatch("the data is good, but bytes next to the buffer were changed");
  }
}

}  // namespace

Json put(const CopyOptions& options) {
  const File source(options.file, O_RDONLY);
  struct stat status{};
  if (fstat(source.get(), &status) != 0) {
    fail("cannot look at " + options.file);
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const File card(options.device, O_WRONLY);
  if (options.splice) {
    seek(card, options.offset);
    return splice(options, source, card, size);
  }
  ScatteredBuffer buffer(static_cast<std::size_t>(std::min(size, kBufferBytes)));
  Total total;
  std::uint64_t done = 0;
  while (done < size) {
    const ssize_t got = pread(source.get(), buffer.data().data(), buffer.data().size(), static_cast<off_t>(done));
    if (got <= 0) {
      fail("cannot read " + options.file);
    }
    write_card(card, buffer.data().first(static_cast<std::size_t>(got)), options.offset + done, total);
    done += static_cast<std::uint64_t>(got);
  }
  return copy_result(options, size, buffer, total);
}

Json get(const CopyOptions& options) {
  const File card(options.device, O_RDONLY);
  const File target(options.file, O_WRONLY | O_CREAT | O_TRUNC);
  if (options.splice) {
    seek(card, options.offset);
    return splice(options, card, target, options.size);
  }
  ScatteredBuffer buffer(static_cast<std::size_t>(std::min(options.size, kBufferBytes)));
  Total total;
  for (std::uint64_t done = 0; done < options.size;) {
    const auto part = buffer.data().first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.data().size(), options.size - done)));
    read_card(card, part, options.offset + done, total);
    for (auto rest = std::span<const std::uint8_t>(part); !rest.empty();) {
      const ssize_t put_down = write(target.get(), rest.data(), rest.size());
      if (put_down <= 0) {
        fail("cannot write " + options.file);
      }
      rest = rest.subspan(static_cast<std::size_t>(put_down));
    }
    done += part.size();
  }
  return copy_result(options, options.size, buffer, total);
}

Json roundtrip(const RoundtripOptions& options) {
  const File card(options.device, O_RDWR);
  Total written;
  Total read_back;
  Json pieces;
  for (unsigned i = 0; i < options.iterations; ++i) {
    const std::uint64_t seed = options.seed + i;
    {
      // Freed before the next is allocated, so that the size is limited by memory and not by half of it.
      ScatteredBuffer source(options.size, options.page_offset);
      fill_pattern(source.data(), seed, options.card_offset);
      write_card(card, source.data(), options.card_offset, written);
      check(source, options, seed);
    }
    ScatteredBuffer target(options.size, options.page_offset);
    read_card(card, target.data(), options.card_offset, read_back);
    check(target, options, seed);
    pieces = pieces_of(target);
  }
  return {{"bytes", options.size},
          {"iterations", options.iterations},
          {"pieces", pieces},
          {"write_calls", written.calls},
          {"read_calls", read_back.calls},
          {"write_seconds", written.seconds},
          {"read_seconds", read_back.seconds}};
}

}  // namespace prd32::ctl
