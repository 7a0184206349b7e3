// SPDX-License-Identifier: Apache-2.0
// Rules as JSON objects: what a tester sends, and what is told of them. docs/faults.md has the keys.
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fault_rules.hpp"

namespace prd32 {

/// The first thing that is wrong with a request, as a sentence for the tester. No exception: AddressSanitizer takes one
/// for an error in a program that has changed stacks, as SystemC's processes do.
class Mistake {
 public:
  void note(std::string text) { text_ = text_.empty() ? std::move(text) : text_; }
  [[nodiscard]] bool any() const { return !text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// A mistake when this is no object, or has another key than these.
void expect_keys(const nlohmann::json& object, std::initializer_list<std::string_view> known, Mistake& mistake);

/// The number at the key of an object, least..most; `otherwise` when there is none. `least` after a mistake.
[[nodiscard]] std::uint64_t number_at(const nlohmann::json& object, std::string_view key, std::uint64_t least,
                                      std::uint64_t most, std::optional<std::uint64_t> otherwise, Mistake& mistake);

/// The rule that the object describes, with nothing impossible in it unless there was a mistake.
[[nodiscard]] FaultRule rule_from(const nlohmann::json& object, unsigned channels, unsigned vectors, Mistake& mistake);

/// The same object again: what differs from the defaults, and fault and on.
[[nodiscard]] nlohmann::ordered_json to_json(const FaultRule& rule);

}  // namespace prd32
