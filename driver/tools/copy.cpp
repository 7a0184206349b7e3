// SPDX-License-Identifier: Apache-2.0
#include "copy.hpp"

#include <sys/sendfile.h>
#include <unistd.h>

namespace prd32::ctl {
namespace {

void seek(const File& card, std::uint64_t offset) {
  if (lseek(card.get(), static_cast<off_t>(offset), SEEK_SET) < 0) {
    fail(text("cannot go to ", offset, " on ", card.name()));
  }
}

}  // namespace

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

Json splice(const CopyOptions& options, const File& source, const File& target, const File& card, std::uint64_t size) {
  seek(card, options.offset);
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

}  // namespace prd32::ctl
