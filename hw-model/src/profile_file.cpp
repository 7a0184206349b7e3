// SPDX-License-Identifier: Apache-2.0
// A profile from a file.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>

#include "prd32/profile.hpp"

namespace prd32 {

namespace {

using regs::Mode;

/// What a mistake is thrown with: the file, the line of what is wrong, and what is wrong with it.
template <typename... Args>
[[noreturn]] void refuse(const std::string& file, const toml::source_region& where, fmt::format_string<Args...> text,
                         Args&&... args) {
  throw std::runtime_error(
      fmt::format("{}:{}: {}", file, where.begin.line, fmt::format(text, std::forward<Args>(args)...)));
}

const Profile* built_in(std::string_view name) {
  const auto* const found = std::ranges::find(regs::kProfiles, name, &Profile::name);
  return found == regs::kProfiles.end() ? nullptr : found;
}

std::string built_in_names() {
  std::string names;
  for (const Profile& profile : regs::kProfiles) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", profile.name);
  }
  return names;
}

void read_number(const std::string& file, const toml::node& node, std::string_view key, unsigned& value) {
  const auto number = node.value_exact<std::int64_t>();
  constexpr std::int64_t kMost = 64;  // refusal() knows the limits; this only keeps the number in its type
  if (!number || *number < 0 || *number > kMost) {
    refuse(file, node.source(), "{} must be a small number", key);
  }
  value = static_cast<unsigned>(*number);
}

void read_extensions(const std::string& file, const toml::node& node, Profile& profile) {
  const toml::array* const list = node.as_array();
  if (list == nullptr) {
    refuse(file, node.source(), "extensions must be a list");
  }
  profile.cyclic = profile.writeback = profile.endpoints = profile.queue = false;
  for (const toml::node& entry : *list) {
    const std::string name = entry.value_or(std::string());
    if (name == "CYCLIC") {
      profile.cyclic = true;
    } else if (name == "WRITEBACK") {
      profile.writeback = true;
    } else if (name == "ENDPOINTS") {
      profile.endpoints = true;
    } else if (name == "QUEUE") {
      profile.queue = true;
    } else {
      refuse(file, entry.source(), "extension \"{}\" is none of CYCLIC, WRITEBACK, ENDPOINTS, QUEUE", name);
    }
  }
}

Mode mode_of_name(const std::string& file, const toml::node& node) {
  const std::string name = node.value_or(std::string());
  for (const Mode mode : {Mode::kError, Mode::kSilicon, Mode::kIgnore, Mode::kOff}) {
    if (mode_name(mode) == name) {
      return mode;
    }
  }
  refuse(file, node.source(), "\"{}\" is none of error, silicon, ignore, off", name);
}

void read_rules(const std::string& file, const toml::node& node, Profile& profile) {
  const toml::table* const table = node.as_table();
  if (table == nullptr) {
    refuse(file, node.source(), "rules must be a table");
  }
  for (const auto& [key, value] : *table) {
    const std::string_view name = key.str();
    const auto* const rule = std::ranges::find(regs::kRules, name, &regs::Rule::name);
    if (name.empty() || rule == regs::kRules.end()) {
      refuse(file, value.source(), "there is no rule \"{}\"; docs/registers.md names them all", name);
    }
    Profile changed = profile;
    changed.modes.at(static_cast<std::size_t>(rule - regs::kRules.begin())) = mode_of_name(file, value);
    if (const auto reason = refusal(changed)) {
      refuse(file, value.source(), "{}", *reason);
    }
    profile = changed;
  }
}

void read_key(const std::string& file, std::string_view key, const toml::node& value, Profile& profile) {
  if (key == "granule_log2") {
    read_number(file, value, key, profile.granule_log2);
  } else if (key == "prdt_align_log2") {
    read_number(file, value, key, profile.prdt_align_log2);
  } else if (key == "entries_log2") {
    read_number(file, value, key, profile.entries_log2);
  } else if (key == "extensions") {
    read_extensions(file, value, profile);
  } else if (key == "rules") {
    read_rules(file, value, profile);
  } else if (key != "based_on") {
    refuse(file, value.source(), "unknown key {}", key);
  }
  if (const auto reason = refusal(profile)) {
    refuse(file, value.source(), "{}", *reason);
  }
}

Profile parse(const std::string& file, const toml::table& top) {
  const auto base = top["based_on"].value<std::string>();
  if (!base || built_in(*base) == nullptr) {
    refuse(file, top["based_on"] ? top["based_on"].node()->source() : top.source(), "based_on must be one of {}",
           built_in_names());
  }
  Profile profile = *built_in(*base);
  profile.name = "file";
  for (const auto& [key, value] : top) {
    read_key(file, key.str(), value, profile);
  }
  return profile;
}

}  // namespace

Profile load_profile(const std::string& name_or_file) {
  if (const Profile* const found = built_in(name_or_file)) {
    return *found;
  }
  std::error_code unused;
  if (!std::filesystem::is_regular_file(name_or_file, unused)) {
    throw std::runtime_error(
        fmt::format("\"{}\" is neither a profile ({}) nor a file", name_or_file, built_in_names()));
  }
  try {
    return parse(name_or_file, toml::parse_file(name_or_file));
  } catch (const toml::parse_error& error) {
    refuse(name_or_file, error.source(), "{}", error.description());
  }
}

}  // namespace prd32
