// SPDX-License-Identifier: Apache-2.0
// Rules as JSON objects: what a tester sends, and what is told of them. docs/faults.md has the keys.
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string_view>

#include "fault_rules.hpp"

namespace prd32 {

/// What is wrong with a request, as a sentence for the tester.
class BadRequest final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws BadRequest when the object has another key than these.
void expect_keys(const nlohmann::json& object, std::initializer_list<std::string_view> known);

/// The number at the key, least..most; `otherwise` when there is none. Throws BadRequest.
[[nodiscard]] std::uint64_t number_at(const nlohmann::json& object, std::string_view key, std::uint64_t least,
                                      std::uint64_t most, std::optional<std::uint64_t> otherwise = std::nullopt);

/// The rule that the object describes, with nothing impossible in it. Throws BadRequest.
[[nodiscard]] FaultRule rule_from(const nlohmann::json& object, unsigned channels, unsigned vectors);

/// The same object again: what differs from the defaults, and fault and on.
[[nodiscard]] nlohmann::ordered_json to_json(const FaultRule& rule);

}  // namespace prd32
