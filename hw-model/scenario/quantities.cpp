// SPDX-License-Identifier: Apache-2.0
#include "quantities.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace prd32::scenario {

std::optional<double> parse_quantity(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || !std::isfinite(number) || std::signbit(number)) {
    return std::nullopt;
  }
  const char* const name = std::find_if(after, end, [](char c) { return c != ' '; });
  const auto unit = std::ranges::find(units, std::string_view(name, end), &Unit::name);
  return unit == units.end() ? std::nullopt : std::optional(number * unit->factor);
}

std::string names_of(std::span<const Unit> units) {
  std::string names;
  for (const Unit& unit : units) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", unit.name);
  }
  return names;
}

std::string with_unit(double quantity, std::span<const Unit> units) {
  const Unit* chosen = &units.front();
  for (const Unit& unit : units) {
    chosen = quantity >= unit.factor ? &unit : chosen;
  }
  constexpr int kDigits = 10;  // so that a time is told to the nanosecond, up to ten seconds
  return fmt::format("{:.{}g} {}", quantity / chosen->factor, kDigits, chosen->name);
}

}  // namespace prd32::scenario
