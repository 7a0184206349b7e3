// SPDX-License-Identifier: Apache-2.0
// A table of a scenario file, taken key by key, and what is said when it has a mistake.
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quantities.hpp"

namespace prd32::scenario {

/// FILE:LINE: what is wrong with a scenario file, and what is allowed.
class Mistake : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The scenario file that is being read.
struct Source {
  std::string name;              ///< as the user gave it
  std::filesystem::path folder;  ///< what file names in it are relative to

  template <typename... Args>
  [[noreturn]] void refuse(const toml::source_region& where, fmt::format_string<Args...> text, Args&&... args) const {
    throw Mistake(fmt::format("{}:{}: {}", name, where.begin.line, fmt::format(text, std::forward<Args>(args)...)));
  }
};

/// The values of one table. Each function takes the key of that name and returns nothing when the table does not have
/// it; a value that is no such thing is a Mistake with its line. What nobody took is one in the end.
class Keys {
 public:
  /// Both must outlive this.
  Keys(const Source& source, const toml::table& table) : source_(source), table_(table) {}

  const toml::node* node(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  std::optional<bool> flag(std::string_view key);
  std::optional<std::uint64_t> number(std::string_view key, std::uint64_t most);
  /// Bytes: a number, or text like "64 KiB".
  std::optional<std::uint64_t> size(std::string_view key, std::uint64_t most);
  std::optional<Picoseconds> time(std::string_view key);
  /// Text like "2 %", in the unit that the factors are in.
  std::optional<double> quantity(std::string_view key, std::span<const Unit> units);
  /// The place in choices of the text; the first when the table does not have the key.
  std::size_t choice(std::string_view key, std::span<const std::string_view> choices);
  /// A list of tables.
  std::vector<const toml::table*> tables(std::string_view key);

  /// Refuses a key that nobody took, and says which are allowed.
  void finish() const;

  /// The line of a key's value, or of the table where it is missing.
  const toml::source_region& where(std::string_view key) const;
  template <typename... Args>
  [[noreturn]] void refuse(std::string_view key, fmt::format_string<Args...> text, Args&&... args) const {
    source_.refuse(where(key), text, std::forward<Args>(args)...);
  }
  unsigned line() const { return table_.source().begin.line; }
  const Source& source() const { return source_; }

 private:
  const Source& source_;
  const toml::table& table_;
  std::vector<std::string> taken_;
};

/// A value that is a number of 0..most; the Mistake calls it by that name.
std::uint64_t to_number(const Source& source, const toml::node& node, std::string_view name, std::uint64_t most);

/// "a, b or c"
std::string one_of(std::span<const std::string_view> names);

}  // namespace prd32::scenario
