// SPDX-License-Identifier: Apache-2.0
// Bytes from the command line, standard input or a file go to card memory.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <vector>

#include "card_file.hpp"
#include "commands.hpp"
#include "progress.hpp"
#include "range.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

unsigned digit(char letter) {
  const auto lower = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return static_cast<unsigned>(lower <= '9' ? lower - '0' : lower - 'a' + 10);
}

std::vector<std::byte> from_hex(const std::string& hex) {
  std::string digits;
  for (const char letter : hex) {
    if (std::isxdigit(static_cast<unsigned char>(letter)) != 0) {
      digits += letter;
    } else if (std::isspace(static_cast<unsigned char>(letter)) == 0) {
      throw std::invalid_argument(
          fmt::format("'{}' is no hexadecimal digit; wanted is something like 'de ad be ef'", letter));
    }
  }
  if (digits.size() % 2 != 0) {
    throw std::invalid_argument(fmt::format("{} hexadecimal digits make no whole bytes", digits.size()));
  }
  std::vector<std::byte> data;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    data.push_back(static_cast<std::byte>(16 * digit(digits[i]) + digit(digits[i + 1])));
  }
  return data;
}

// Hands `take` what the file has, part by part.
template <typename Take>
void for_each_block(const File& file, const Take& take) {
  std::vector<std::byte> block(1U << 20U);
  for (;;) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0) {
      fail("cannot read " + file.name());
    }
    if (got == 0) {
      return;
    }
    take(std::span<const std::byte>(block).first(static_cast<std::size_t>(got)));
  }
}

}  // namespace

Json run_write(const Context& context, const WriteOptions& options) {
  std::vector<std::byte> given = from_hex(options.hex);
  for (const char letter : options.text) {
    given.push_back(static_cast<std::byte>(letter));
  }
  const Device card = open_card(context.device);
  std::uint64_t done = 0;
  const auto put = [&](std::span<const std::byte> data) {
    while (!data.empty()) {
      const Result<std::size_t> moved = card.write(options.offset + done, data);
      const bool ended = moved ? *moved == 0 : moved.error().code == ENOSPC && done != 0;
      if (ended) {
        throw Failure(
            kFailed, fmt::format("card memory ends after {} of the bytes, at {}", done, options.offset + done), ENOSPC);
      }
      done += moved.value();
      data = data.subspan(moved.value());
    }
  };
  put(given);
  if (options.input == "-") {
    for_each_block(File::borrowed(STDIN_FILENO), put);
  } else if (!options.input.empty()) {
    for_each_block(File(options.input, O_RDONLY), put);
  }
  return {{"offset", options.offset}, {"bytes", done}};
}

}  // namespace prd32::ctl
