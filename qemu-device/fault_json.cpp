// SPDX-License-Identifier: Apache-2.0
#include "fault_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace prd32 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMostMs = 3600000;
constexpr std::uint64_t kMostLateBytes = 4096;
constexpr std::uint64_t kLateBytes = 16;
constexpr std::uint64_t kDuplicateMs = 1;

std::string text_at(const json& object, std::string_view key, Mistake& mistake) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    mistake.note(fmt::format(R"("{}" must be there, and a string)", key));
    return {};
  }
  return found->get_ref<const std::string&>();
}

void add_kind(const json& name, TransactionKinds& kinds, Mistake& mistake) {
  const auto kind = name.is_string() ? transaction_named(name.get_ref<const std::string&>()) : std::nullopt;
  if (kind) {
    kinds.add(*kind);
  } else {
    mistake.note(
        R"("on" must be, or list, any of register-read, register-write, dma-read, dma-write, table-fetch, writeback, )"
        "command, interrupt");
  }
}

TransactionKinds kinds_from(const json& object, Mistake& mistake) {
  const json on = object.value("on", json());
  TransactionKinds kinds;
  if (on.is_array()) {
    for (const json& name : on) {
      add_kind(name, kinds, mistake);
    }
  } else {
    add_kind(on, kinds, mistake);
  }
  return kinds;
}

std::optional<std::uint64_t> optional_number(const json& object, std::string_view key, std::uint64_t most,
                                             Mistake& mistake) {
  return object.contains(key) ? std::optional(number_at(object, key, 0, most, std::nullopt, mistake)) : std::nullopt;
}

std::optional<unsigned> optional_unsigned(const json& object, std::string_view key, Mistake& mistake) {
  const auto number = optional_number(object, key, std::numeric_limits<unsigned>::max(), mistake);
  return number ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> addresses_from(const json& object, Mistake& mistake) {
  const auto found = object.find("addresses");
  if (found == object.end()) {
    return std::nullopt;
  }
  if (!found->is_array() || found->size() != 2 || !(*found)[0].is_number_unsigned() ||
      !(*found)[1].is_number_unsigned()) {
    mistake.note(R"("addresses" must be [first, last])");
    return std::nullopt;
  }
  return std::pair((*found)[0].get<std::uint64_t>(), (*found)[1].get<std::uint64_t>());
}

/// Keys that only some faults have.
void read_parameters(const json& object, FaultRule& rule, Mistake& mistake) {
  const auto allow = [&](std::string_view key, std::initializer_list<FaultKind> faults) {
    if (object.contains(key) && std::ranges::find(faults, rule.fault) == faults.end()) {
      mistake.note(fmt::format(R"("{}" means nothing to "{}")", key, name_of(rule.fault)));
    }
  };
  using enum FaultKind;
  allow("for_ms", {kStall, kAllOnes});
  allow("survives", {kStall});
  allow("delay_ms", {kDuplicate, kLate, kSpurious, kWriteAfterAbort});
  allow("bytes", {kShort, kWriteAfterAbort});
  allow("interrupt", {kSpurious});
  if (object.contains("for_ms")) {
    rule.for_ms = number_at(object, "for_ms", 1, kMostMs, std::nullopt, mistake);
  }
  if (object.contains("survives")) {
    const auto survives = survives_named(text_at(object, "survives", mistake));
    if (!survives) {
      mistake.note(R"("survives" must be nothing, stop, channel-reset or function-reset)");
    }
    rule.survives = survives.value_or(Survives::kNothing);
  }
  if (rule.fault == kLate) {
    rule.delay_ms = number_at(object, "delay_ms", 1, kMostMs, std::nullopt, mistake);
  } else {
    rule.delay_ms = number_at(object, "delay_ms", 0, kMostMs, rule.fault == kDuplicate ? kDuplicateMs : 0, mistake);
  }
  if (rule.fault == kWriteAfterAbort) {
    rule.bytes = number_at(object, "bytes", 1, kMostLateBytes, kLateBytes, mistake);
  } else {
    rule.bytes = number_at(object, "bytes", 0, kAnyNumber, 0, mistake);
  }
  if (rule.fault == kSpurious) {
    rule.interrupt = static_cast<unsigned>(
        number_at(object, "interrupt", 0, std::numeric_limits<unsigned>::max(), std::nullopt, mistake));
  }
}

}  // namespace

void expect_keys(const json& object, std::initializer_list<std::string_view> known, Mistake& mistake) {
  if (!object.is_object()) {
    mistake.note("an object is needed here");
    return;
  }
  for (const auto& item : object.items()) {
    if (std::ranges::find(known, std::string_view(item.key())) == known.end()) {
      mistake.note(fmt::format(R"(unknown key "{}")", item.key()));
    }
  }
}

std::uint64_t number_at(const json& object, std::string_view key, std::uint64_t least, std::uint64_t most,
                        std::optional<std::uint64_t> otherwise, Mistake& mistake) {
  const auto found = object.find(key);
  if (found == object.end() && otherwise) {
    return *otherwise;
  }
  if (found == object.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() < least ||
      found->get<std::uint64_t>() > most) {
    mistake.note(most == kAnyNumber ? fmt::format(R"("{}" must be a number, {} or more)", key, least)
                                    : fmt::format(R"("{}" must be a number, {} to {})", key, least, most));
    return least;
  }
  return found->get<std::uint64_t>();
}

FaultRule rule_from(const json& object, unsigned channels, unsigned vectors, Mistake& mistake) {
  expect_keys(object,
              {"fault", "on", "channel", "vector", "prd_index", "addresses", "after", "count", "every", "probability",
               "seed", "for_ms", "survives", "delay_ms", "bytes", "interrupt"},
              mistake);
  FaultRule rule;
  if (mistake.any()) {
    return rule;
  }
  const auto fault = fault_named(text_at(object, "fault", mistake));
  if (!fault) {
    mistake.note(
        R"("fault" must be abort, stall, drop, duplicate, late, spurious, short, write-after-abort, all-ones or )"
        "removal");
    return rule;
  }
  rule.fault = *fault;
  rule.on = kinds_from(object, mistake);
  rule.channel = optional_unsigned(object, "channel", mistake);
  rule.vector = optional_unsigned(object, "vector", mistake);
  rule.prd_index = optional_number(object, "prd_index", kAnyNumber, mistake);
  rule.addresses = addresses_from(object, mistake);
  rule.after = number_at(object, "after", 0, kAnyNumber, rule.after, mistake);
  rule.count = number_at(object, "count", 0, kAnyNumber, rule.count, mistake);
  rule.every = number_at(object, "every", 1, kAnyNumber, rule.every, mistake);
  if (const auto probability = object.find("probability"); probability != object.end()) {
    if (probability->is_number()) {
      rule.probability = probability->get<double>();
    } else {
      mistake.note(R"("probability" must be a number)");
    }
  }
  rule.seed = number_at(object, "seed", 0, kAnyNumber, rule.seed, mistake);
  read_parameters(object, rule, mistake);
  if (auto why = refusal(rule, channels, vectors)) {
    mistake.note(*why);
  }
  return rule;
}

ordered_json to_json(const FaultRule& rule) {
  const FaultRule usual;
  ordered_json object = {{"fault", name_of(rule.fault)}, {"on", ordered_json::array()}};
  for (const TransactionKind kind :
       {TransactionKind::kRegisterRead, TransactionKind::kRegisterWrite, TransactionKind::kDmaRead,
        TransactionKind::kDmaWrite, TransactionKind::kTableFetch, TransactionKind::kWriteback,
        TransactionKind::kCommand, TransactionKind::kInterrupt}) {
    if (rule.on.has(kind)) {
      object["on"].push_back(name_of(kind));
    }
  }
  const auto put = [&](const char* key, const auto& value, bool said) {
    if (said) {
      object[key] = value;
    }
  };
  put("channel", rule.channel.value_or(0), rule.channel.has_value());
  put("vector", rule.vector.value_or(0), rule.vector.has_value());
  put("prd_index", rule.prd_index.value_or(0), rule.prd_index.has_value());
  if (rule.addresses) {
    object["addresses"] = {rule.addresses->first, rule.addresses->second};
  }
  put("after", rule.after, rule.after != usual.after);
  put("count", rule.count, rule.count != usual.count);
  put("every", rule.every, rule.every != usual.every);
  put("probability", rule.probability.value_or(0), rule.probability.has_value());
  put("seed", rule.seed, rule.seed != usual.seed);
  put("for_ms", rule.for_ms.value_or(0), rule.for_ms.has_value());
  put("survives", name_of(rule.survives), rule.survives != usual.survives);
  put("delay_ms", rule.delay_ms, rule.delay_ms != usual.delay_ms);
  put("bytes", rule.bytes, rule.bytes != usual.bytes);
  put("interrupt", rule.interrupt, rule.fault == FaultKind::kSpurious);
  return object;
}

}  // namespace prd32
