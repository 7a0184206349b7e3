// SPDX-License-Identifier: Apache-2.0
#include "contents.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <span>

#include "prd32/pattern.hpp"
#include "prd32/prd.hpp"

namespace prd32::scenario {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30U;
constexpr std::uint32_t kAllOnes = ~std::uint32_t{0};
constexpr std::array<std::string_view, 7> kKinds{"hex", "text", "file", "words", "prds", "fill", "pattern"};

Bytes from_hex(const Keys& keys, const std::string& text) {
  std::string digits = text;
  std::erase_if(digits, [](char c) { return c == ' ' || c == '\n' || c == '_'; });
  if (digits.size() % 2 != 0) {
    keys.refuse("hex", "hex must have two digits for each byte; there are {}", digits.size());
  }
  Bytes bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    constexpr int kHex = 16;
    const char* const pair = digits.data() + 2 * i;
    if (std::from_chars(pair, pair + 2, bytes[i], kHex).ptr != pair + 2) {
      keys.refuse("hex", "hex has \"{}\", which is no byte", std::string_view(pair, 2));
    }
  }
  return bytes;
}

Bytes from_file(const Keys& keys, const std::string& name) {
  const auto path = keys.source().folder / name;
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file || size > kMostBytes) {
    keys.refuse("file", "cannot read {}: {}", path.string(),
                error  ? error.message()
                : file ? "it is longer than 1 GiB"
                       : "no rights");
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Bytes from_words(const Keys& keys, const toml::node& node) {
  if (node.as_array() == nullptr) {
    keys.refuse("words", "words must be a list of numbers of 32 bits");
  }
  Bytes bytes;
  for (const toml::node& entry : *node.as_array()) {
    auto word = to_number(keys.source(), entry, "a word", kAllOnes);
    for (std::size_t byte = 0; byte < sizeof(std::uint32_t); ++byte, word >>= 8U) {
      bytes.push_back(static_cast<std::uint8_t>(word));
    }
  }
  return bytes;
}

/// Appends one entry of the list: a descriptor, or several of a kind.
void append_prds(const Source& source, const toml::table& table, const Addresses& addresses, Bytes& bytes) {
  Keys keys(source, table);
  std::uint64_t base = take_address(keys, "base", addresses, kAllOnes);
  const auto count = keys.number("count", regs::field_get(prd::kCount, prd::kCount));
  const auto region = keys.size("bytes", limits::kPrdMaxBytes);
  if (count.has_value() == region.has_value() || region == std::uint64_t{0}) {
    keys.refuse(region ? "bytes" : "count",
                "a descriptor has either bytes, 1..{:#x}, or count, which is written as it is", limits::kPrdMaxBytes);
  }
  const std::uint64_t moved = region ? *region : *count != 0 ? *count : limits::kPrdMaxBytes;
  const std::uint64_t repeat = keys.number("repeat", limits::kPrdtLastResort).value_or(1);
  const std::uint64_t step = keys.size("step", kAllOnes).value_or(moved);
  Prd prd{.bytes = moved,
          .reserved = keys.number("reserved", regs::field_get(prd::kReserved, prd::kReserved)).value_or(0),
          .mark = keys.flag("mark").value_or(false)};
  const bool eot = keys.flag("eot").value_or(false);
  keys.finish();
  for (std::uint64_t i = 0; i < repeat; ++i, base += step) {
    if (base > kAllOnes) {
      keys.refuse("repeat", "descriptor {} of the {} would have a base beyond 32 bits", i, repeat);
    }
    prd.base = base;
    prd.eot = eot && i + 1 == repeat;
    bytes.resize(bytes.size() + prd::kBytes);
    encode_prd(prd, std::span(bytes).last<prd::kBytes>());
  }
}

/// The stream of an endpoint PATTERN, of which there is one for each code.
Bytes from_pattern(Keys& keys, std::uint64_t size, std::string& what) {
  static constexpr std::array<std::string_view, 2> kNames{"prbs31", "counter"};
  const std::size_t kind = keys.choice("pattern", kNames);
  const auto seed = static_cast<std::uint32_t>(keys.number("seed", kAllOnes).value_or(0));
  Bytes bytes(size);
  PatternStream(static_cast<regs::PatternKind>(kind), seed).make(bytes);
  what = fmt::format("{} bytes of {} from seed {}", size, kNames.at(kind), seed);
  return bytes;
}

std::uint64_t take_size(Keys& keys, std::string_view for_what, std::optional<std::uint64_t> usual) {
  const auto size = keys.size("size", kMostBytes);
  if (!size && !usual) {
    keys.refuse(for_what, "{} needs a size here", for_what);
  }
  return size ? *size : *usual;
}

Contents make_contents(Keys& keys, std::string_view kind, std::optional<std::uint64_t> usual_size) {
  const std::uint64_t size = take_size(keys, kind, usual_size);
  Contents contents;
  if (kind == "pattern") {
    contents.bytes = from_pattern(keys, size, contents.what);
    return contents;
  }
  constexpr std::uint64_t kMostByte = 0xff;
  const auto byte = static_cast<std::uint8_t>(*keys.number(kind, kMostByte));
  return {.bytes = Bytes(size, byte), .what = fmt::format("{} bytes of {:#04x}", size, byte)};
}

Contents read_contents(Keys& keys, std::string_view kind, const Addresses& addresses) {
  Contents contents;
  if (kind == "hex") {
    contents.bytes = from_hex(keys, *keys.text(kind));
  } else if (kind == "text") {
    const std::string text = *keys.text(kind);
    contents.bytes.assign(text.begin(), text.end());
  } else if (kind == "file") {
    contents.bytes = from_file(keys, *keys.text(kind));
    contents.what = fmt::format("{} bytes of {}", contents.bytes.size(), *keys.text(kind));
  } else if (kind == "words") {
    contents.bytes = from_words(keys, *keys.node(kind));
  } else {
    for (const toml::table* const entry : keys.tables(kind)) {
      append_prds(keys.source(), *entry, addresses, contents.bytes);
    }
    contents.what = fmt::format("{} descriptors", contents.bytes.size() / prd::kBytes);
  }
  return contents;
}

}  // namespace

std::uint64_t to_address(const Source& source, const toml::node& node, std::string_view name,
                         const Addresses& addresses, std::uint64_t most) {
  const auto text = node.value_exact<std::string>();
  if (!text) {
    return to_number(source, node, name, most);
  }
  const std::size_t plus = std::min(text->find('+'), text->size());
  const auto region =
      text->starts_with('@') ? addresses.find(std::string_view(*text).substr(1, plus - 1)) : addresses.end();
  if (region == addresses.end()) {
    std::vector<std::string_view> names;
    for (const auto& [known, address] : addresses) {
      names.push_back(known);
    }
    source.refuse(node.source(), R"({} = "{}": must be a number or "@NAME" or "@NAME+NUMBER", where NAME is {})", name,
                  *text, names.empty() ? "that of a [[memory]], of which there is none" : one_of(names));
  }
  std::uint64_t offset = 0;
  if (plus != text->size()) {
    const bool hex = std::string_view(*text).substr(plus + 1).starts_with("0x");
    const char* const end = text->data() + text->size();
    const auto [after, error] = std::from_chars(text->data() + plus + 1 + (hex ? 2 : 0), end, offset, hex ? 16 : 10);
    if (error != std::errc() || after != end || offset > kMostBytes) {
      source.refuse(node.source(), "{} = \"{}\": what follows + must be a number, at most {:#x}", name, *text,
                    kMostBytes);
    }
  }
  if (region->second + offset > most) {
    source.refuse(node.source(), "{} = \"{}\" is {:#x}: must be at most {:#x}", name, *text, region->second + offset,
                  most);
  }
  return region->second + offset;
}

std::uint64_t take_address(Keys& keys, std::string_view key, const Addresses& addresses, std::uint64_t most) {
  const toml::node* const node = keys.node(key);
  if (node == nullptr) {
    keys.refuse(key, "{} is missing", key);
  }
  return to_address(keys.source(), *node, key, addresses, most);
}

std::optional<Contents> take_contents(Keys& keys, const Addresses& addresses, std::optional<std::uint64_t> usual_size) {
  std::string_view kind;
  for (const std::string_view key : kKinds) {
    if (keys.node(key) != nullptr) {
      if (!kind.empty()) {
        keys.refuse(key, "{} and {}: only one of {} can say the bytes", kind, key, one_of(kKinds));
      }
      kind = key;
    }
  }
  const bool made = kind == "fill" || kind == "pattern";
  if (keys.node("size") != nullptr && !usual_size && !made) {
    keys.refuse("size", "size goes with fill and pattern; what else says the bytes says how many they are");
  }
  if (keys.node("seed") != nullptr && kind != "pattern") {
    keys.refuse("seed", "seed goes with pattern");
  }
  if (kind.empty()) {
    return std::nullopt;
  }
  Contents contents = made ? make_contents(keys, kind, usual_size) : read_contents(keys, kind, addresses);
  if (contents.what.empty()) {
    contents.what = fmt::format("{} bytes", contents.bytes.size());
  }
  return contents;
}

}  // namespace prd32::scenario
