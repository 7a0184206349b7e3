// SPDX-License-Identifier: Apache-2.0
// A look at card memory: as a hex dump, or its bytes as they are.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "card_file.hpp"
#include "commands.hpp"
#include "progress.hpp"
#include "range.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

constexpr std::size_t kLine = 16;  // bytes in a line of the dump

std::string dump_line(std::span<const std::byte> line, std::uint64_t offset) {
  std::string hex;
  std::string text;
  for (const std::byte byte : line) {
    const auto value = std::to_integer<unsigned char>(byte);
    hex += fmt::format("{:02x} ", value);
    text += std::isprint(value) != 0 ? static_cast<char>(value) : '.';
  }
  return fmt::format("{:08x}  {:<{}} {}\n", offset, hex, 3 * kLine, text);
}

void dump(std::span<const std::byte> data, std::uint64_t offset) {
  for (std::size_t at = 0; at < data.size(); at += kLine) {
    fmt::print("{}", dump_line(data.subspan(at, std::min(kLine, data.size() - at)), offset + at));
  }
}

std::string hex_string(std::span<const std::byte> data) {
  std::string text;
  for (const std::byte byte : data) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

void put_down(const File& file, std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t done = ::write(file.get(), data.data(), data.size());
    if (done < 0) {
      fail("cannot write to " + file.name());
    }
    data = data.subspan(static_cast<std::size_t>(done));
  }
}

std::optional<File> output_of(const ReadOptions& options) {
  if (options.output.empty()) {
    return std::nullopt;
  }
  if (options.output == "-") {
    return File::borrowed(STDOUT_FILENO);
  }
  return File(options.output, O_WRONLY | O_CREAT | O_TRUNC);
}

}  // namespace

Json run_read(const Context& context, const ReadOptions& options) {
  if (context.json && options.output == "-") {
    throw std::invalid_argument("standard output cannot take both the bytes and JSON");
  }
  const Device card = open_card(context.device, OpenMode::kRead);
  const Range range = options.range.within(card);
  std::optional<File> output = output_of(options);
  Progress progress(context, "read", range.size);
  std::vector<std::byte> data;
  std::string hex;
  for_each_part(range, [&](std::uint64_t offset, std::size_t size) {
    data.resize(size);
    read_all(card, offset, data);
    if (output) {
      put_down(*output, data);
    } else if (context.json) {
      hex += hex_string(data);
    } else {
      dump(data, offset);
    }
    progress.show(offset + size - range.offset);
  });
  if (output) {
    output->finish();
  }
  if (!context.json) {
    return nullptr;
  }
  Json result = {{"offset", range.offset}, {"bytes", range.size}};
  result[output ? "file" : "data"] = output ? options.output : hex;
  return result;
}

}  // namespace prd32::ctl
