// SPDX-License-Identifier: Apache-2.0
// Bytes and addresses as a scenario file writes them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys.hpp"

namespace prd32::scenario {

/// Where each region of host memory begins, by its name, so that an address may be written as "@NAME" or
/// "@NAME+NUMBER".
using Addresses = std::map<std::string, std::uint64_t, std::less<>>;

/// A number of 0..most, or text with an @. Refuses a key that the table does not have.
std::uint64_t take_address(Keys& keys, std::string_view key, const Addresses& addresses, std::uint64_t most);
/// The same of a node that is there.
std::uint64_t to_address(const Source& source, const toml::node& node, std::string_view name,
                         const Addresses& addresses, std::uint64_t most);

struct Contents {
  std::vector<std::uint8_t> bytes;
  std::string what;  ///< in words: "4096 bytes of prbs31 from seed 5"
};

/// The bytes that one of hex, text, file, words, prds, fill and pattern says; nothing when the table has none of them.
/// usual_size is what fill and pattern make when the table has no size; nothing: they need one.
std::optional<Contents> take_contents(Keys& keys, const Addresses& addresses, std::optional<std::uint64_t> usual_size);

}  // namespace prd32::scenario
