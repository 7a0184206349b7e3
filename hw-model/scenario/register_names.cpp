// SPDX-License-Identifier: Apache-2.0
#include "register_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <stdexcept>
#include <vector>

namespace prd32::scenario {

namespace {

using regs::Field;
using regs::Register;

template <typename... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) {
  throw std::invalid_argument(fmt::format(text, std::forward<Args>(args)...));
}

/// The names that a projection gives for the entries that the condition holds for, each once.
template <typename List, typename Condition>
std::string names(const List& list, Condition condition) {
  std::vector<std::string_view> found;
  for (const auto& entry : list) {
    if (condition(entry) && std::ranges::find(found, entry.name) == found.end()) {
      found.push_back(entry.name);
    }
  }
  std::string text;
  for (const std::string_view name : found) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  }
  return text.empty() ? "none" : text;
}

const Register& find_register(std::string_view name, std::optional<unsigned> channel) {
  const Register* found = nullptr;
  for (const Register& reg : regs::kTable) {
    if (reg.name == name) {
      found = &reg;
      if (reg.instance < 0 && channel) {
        refuse("{} has no channel: there is only one", name);
      }
      if (reg.instance < 0 || reg.instance == static_cast<int>(channel.value_or(0))) {
        return reg;
      }
    }
  }
  if (found == nullptr) {
    refuse("there is no register {}; there are {}", name, names(regs::kTable, [](const Register&) { return true; }));
  }
  refuse("{} has no channel {}; there are 0..{}", name, channel.value_or(0), limits::kChannels - 1);
}

const Field& find_field(const Register& reg, std::string_view name) {
  const auto* const found = std::ranges::find_if(
      regs::kFields, [&](const Field& field) { return field.reg == reg.name && field.name == name; });
  if (found == regs::kFields.end()) {
    refuse("{} has no field {}; it has {}", reg.name, name,
           names(regs::kFields, [&](const Field& field) { return field.reg == reg.name; }));
  }
  return *found;
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
  const bool hex = text.starts_with("0x");
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  constexpr int kHex = 16;
  constexpr int kDecimal = 10;
  const auto [after, error] = std::from_chars(text.data() + (hex ? 2 : 0), end, number, hex ? kHex : kDecimal);
  return error == std::errc() && after == end ? std::optional(number) : std::nullopt;
}

/// The field's value in its place.
std::uint32_t field_value(const Field& field, std::string_view text) {
  const auto in_codes = [&](const regs::Code& code) { return !field.codes.empty() && code.codes == field.codes; };
  const auto* const code = std::ranges::find_if(
      regs::kCodes, [&](const regs::Code& entry) { return in_codes(entry) && entry.name == text; });
  const auto number = code != regs::kCodes.end() ? std::optional(code->value) : parse_number(text);
  const std::uint32_t most = regs::field_get(field.mask, field.mask);
  if (!number || *number > most) {
    refuse("{} = \"{}\": must be 0..{}{}", field.name, text, most,
           field.codes.empty() ? "" : fmt::format(", or one of {}", names(regs::kCodes, in_codes)));
  }
  return regs::field_put(field.mask, *number);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

/// Calls action(name, value) for each "NAME" or "NAME=VALUE" of the text.
template <typename Action>
void for_each_term(std::string_view text, Action action) {
  while (true) {
    const std::size_t bar = std::min(text.find('|'), text.size());
    const std::string_view term = text.substr(0, bar);
    const std::size_t equals = term.find('=');
    action(trimmed(term.substr(0, equals)), equals == std::string_view::npos
                                                ? std::optional<std::string_view>()
                                                : std::optional(trimmed(term.substr(equals + 1))));
    if (bar == text.size()) {
      return;
    }
    text.remove_prefix(bar + 1);
  }
}

std::string field_text(const Field& field, std::uint32_t value) {
  const std::uint32_t number = regs::field_get(field.mask, value);
  if (std::has_single_bit(field.mask) && field.codes.empty()) {
    return std::string(field.name);
  }
  const auto* const code = std::ranges::find_if(regs::kCodes, [&](const regs::Code& entry) {
    return !field.codes.empty() && entry.codes == field.codes && entry.value == number;
  });
  return code != regs::kCodes.end() ? fmt::format("{}={}", field.name, code->name)
                                    : fmt::format("{}={}", field.name, number);
}

}  // namespace

Place find_place(std::string_view name, std::optional<unsigned> channel, unsigned bytes) {
  const std::size_t plus = std::min(name.find('+'), name.size());
  const Register& reg = find_register(name.substr(0, plus), channel);
  std::uint32_t into = 0;
  if (plus != name.size()) {
    const auto number = parse_number(name.substr(plus + 1));
    if (!number || *number >= reg.bytes) {
      refuse("{}: {} has {} bytes, so that at most +{} can follow its name", name, reg.name, reg.bytes, reg.bytes - 1);
    }
    into = *number;
  }
  Place place{
      .name = std::string(reg.name), .offset = reg.offset + into, .bytes = bytes != 0 ? bytes : reg.bytes - into};
  place.name += reg.instance < 0 ? "" : fmt::format("[{}]", reg.instance);
  place.name += plus == name.size() ? "" : fmt::format("+{}", into);
  place.reg = into == 0 && place.bytes == reg.bytes ? &reg : nullptr;
  return place;
}

std::uint32_t value_of_fields(const Register& reg, std::string_view text) {
  std::uint32_t value = 0;
  for_each_term(text, [&](std::string_view name, std::optional<std::string_view> given) {
    const Field& field = find_field(reg, name);
    if (!given && !std::has_single_bit(field.mask)) {
      refuse("{} is more than one bit: write {}=VALUE", name, name);
    }
    value |= given ? field_value(field, *given) : field.mask;
  });
  return value;
}

std::uint32_t mask_of_fields(const Register& reg, std::string_view text) {
  std::uint32_t mask = 0;
  for_each_term(text, [&](std::string_view name, std::optional<std::string_view> given) {
    if (given) {
      refuse("a mask names fields, without values");
    }
    mask |= find_field(reg, name).mask;
  });
  return mask;
}

std::string value_text(const Place& place, std::uint32_t value) {
  std::string text = fmt::format("{:#0{}x}", value, 2 + 2 * place.bytes);
  if (place.reg == nullptr) {
    return text;
  }
  std::string_view separator = " ";
  for (const Field& field : regs::kFields) {
    const bool says_more = field.mask != ~std::uint32_t{0} && (value & field.mask) != 0;
    if (field.reg == place.reg->name && says_more) {
      text += fmt::format("{}{}", separator, field_text(field, value));
      separator = "|";
    }
  }
  return text;
}

std::string list_registers() {
  std::string text = "offset  bytes  reset       register and its fields\n";
  for (const Register& reg : regs::kTable) {
    text += fmt::format("{:#06x}  {}      {:#010x}  {}{}\n", reg.offset, reg.bytes, reg.reset, reg.name,
                        reg.instance < 0 ? "" : fmt::format(", channel {}", reg.instance));
    for (const Field& field : regs::kFields) {
      if (field.reg == reg.name && reg.instance <= 0) {
        text += fmt::format("                           {:#010x} {}{}\n", field.mask, field.name,
                            field.codes.empty() ? "" : fmt::format(": a code {}", field.codes));
      }
    }
  }
  text += "\ncodes\n";
  for (const regs::Code& code : regs::kCodes) {
    text += fmt::format("{:<14}{:>3}  {}\n", code.codes, code.value, code.name);
  }
  return text;
}

}  // namespace prd32::scenario
