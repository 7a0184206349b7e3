// SPDX-License-Identifier: Apache-2.0
#include "byte_count.hpp"

#include <fmt/core.h>

#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

namespace prd32::ctl {
namespace {

// The power of two that a suffix stands for; nothing when it is none.
std::optional<unsigned> shift_of(std::string_view suffix) {
  std::string lower;
  for (const char letter : suffix) {
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  constexpr std::string_view kUnits = "kmgt";
  const std::size_t unit = lower.empty() ? std::string::npos : kUnits.find(lower.front());
  const std::string rest = unit == std::string::npos ? lower : lower.substr(1);
  if (!rest.empty() && rest != "b" && (rest != "ib" || unit == std::string::npos)) {
    return std::nullopt;
  }
  return unit == std::string::npos ? 0U : 10U * static_cast<unsigned>(unit + 1);
}

}  // namespace

std::uint64_t byte_count(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = text.substr(hex ? 2 : 0);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
  const std::string_view suffix = digits.substr(static_cast<std::size_t>(end - digits.data()));
  const std::optional<unsigned> shift = hex && !suffix.empty() ? std::nullopt : shift_of(suffix);
  if (error == std::errc::invalid_argument || !shift) {
    throw std::invalid_argument(
        fmt::format("'{}' is no number of bytes; wanted is something like 4096, 64K or 0x1000", text));
  }
  if (error != std::errc() || number > std::numeric_limits<std::uint64_t>::max() >> *shift) {
    throw std::invalid_argument(fmt::format("'{}' is more bytes than 64 bits can count", text));
  }
  return number << *shift;
}

}  // namespace prd32::ctl
