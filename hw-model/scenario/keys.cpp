// SPDX-License-Identifier: Apache-2.0
#include "keys.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace prd32::scenario {

std::uint64_t to_number(const Source& source, const toml::node& node, std::string_view name, std::uint64_t most) {
  const auto number = node.value_exact<std::int64_t>();
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) > most) {
    source.refuse(node.source(), "{} must be a number, 0..{:#x}", name, most);
  }
  return static_cast<std::uint64_t>(*number);
}

std::string one_of(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 < names.size() ? ", " : " or ", names[i]);
  }
  return text;
}

const toml::node* Keys::node(std::string_view key) {
  if (std::ranges::find(taken_, key) == taken_.end()) {
    taken_.emplace_back(key);
  }
  return table_.get(key);
}

const toml::source_region& Keys::where(std::string_view key) const {
  const toml::node* const node = table_.get(key);
  return node != nullptr ? node->source() : table_.source();
}

std::optional<std::string> Keys::text(std::string_view key) {
  const toml::node* const found = node(key);
  if (found == nullptr) {
    return std::nullopt;
  }
  auto text = found->value_exact<std::string>();
  if (!text) {
    refuse(key, "{} must be text in quotes", key);
  }
  return text;
}

std::optional<bool> Keys::flag(std::string_view key) {
  const toml::node* const found = node(key);
  if (found == nullptr) {
    return std::nullopt;
  }
  const auto flag = found->value_exact<bool>();
  if (!flag) {
    refuse(key, "{} must be true or false", key);
  }
  return flag;
}

std::optional<std::uint64_t> Keys::number(std::string_view key, std::uint64_t most) {
  const toml::node* const found = node(key);
  return found == nullptr ? std::nullopt : std::optional(to_number(source_, *found, key, most));
}

std::optional<double> Keys::quantity(std::string_view key, std::span<const Unit> units) {
  const auto given = text(key);
  if (!given) {
    return std::nullopt;
  }
  const auto quantity = parse_quantity(*given, units);
  if (!quantity) {
    refuse(key, "{} = \"{}\": must be a number and one of {}", key, *given, names_of(units));
  }
  return quantity;
}

std::optional<std::uint64_t> Keys::size(std::string_view key, std::uint64_t most) {
  const toml::node* const found = node(key);
  if (found == nullptr || !found->is_string()) {
    return number(key, most);
  }
  const double bytes = *quantity(key, kSizes);
  if (bytes > static_cast<double>(most) || bytes != std::floor(bytes)) {
    refuse(key, "{} must be whole bytes, at most {}", key, with_unit(static_cast<double>(most), kSizes));
  }
  return static_cast<std::uint64_t>(bytes);
}

std::optional<Picoseconds> Keys::time(std::string_view key) {
  const auto given = quantity(key, kTimes);
  if (!given) {
    return std::nullopt;
  }
  constexpr double kMost = 3600e12;  // an hour; every picosecond of it is exact in a double
  if (*given > kMost) {
    refuse(key, "{} must be at most {}", key, with_unit(kMost, kTimes));
  }
  return Picoseconds(std::llround(*given));
}

std::size_t Keys::choice(std::string_view key, std::span<const std::string_view> choices) {
  const auto given = text(key);
  if (!given) {
    return 0;
  }
  const auto found = std::ranges::find(choices, *given);
  if (found == choices.end()) {
    refuse(key, "{} = \"{}\": must be {}", key, *given, one_of(choices));
  }
  return static_cast<std::size_t>(found - choices.begin());
}

std::vector<const toml::table*> Keys::tables(std::string_view key) {
  const toml::node* const found = node(key);
  if (found == nullptr) {
    return {};
  }
  if (found->as_array() == nullptr) {
    refuse(key, "{} must be a list of tables", key);
  }
  std::vector<const toml::table*> tables;
  for (const toml::node& entry : *found->as_array()) {
    if (entry.as_table() == nullptr) {
      source_.refuse(entry.source(), "{} must hold tables: {{ key = value, ... }}", key);
    }
    tables.push_back(entry.as_table());
  }
  return tables;
}

void Keys::finish() const {
  const toml::key* unknown = nullptr;
  for (const auto& [key, value] : table_) {
    const bool earlier = unknown == nullptr || key.source().begin.line < unknown->source().begin.line;
    if (earlier && std::ranges::find(taken_, key.str()) == taken_.end()) {
      unknown = &key;
    }
  }
  if (unknown != nullptr) {
    source_.refuse(unknown->source(), "unknown key {}; allowed here: {}", unknown->str(), fmt::join(taken_, ", "));
  }
}

}  // namespace prd32::scenario
