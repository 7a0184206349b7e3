// SPDX-License-Identifier: Apache-2.0
#include "fault_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace prd32 {
namespace {

constexpr std::array<std::string_view, 10> kFaultNames = {
    "abort", "stall", "drop", "duplicate", "late", "spurious", "short", "write-after-abort", "all-ones", "removal"};
constexpr std::array<std::string_view, 8> kTransactionNames = {
    "register-read", "register-write", "dma-read", "dma-write", "table-fetch", "writeback", "command", "interrupt"};
constexpr std::array<std::string_view, 4> kSurvivesNames = {"nothing", "stop", "channel-reset", "function-reset"};

template <typename Enum, std::size_t kCount>
std::optional<Enum> named(const std::array<std::string_view, kCount>& names, std::string_view name) {
  const auto* const found = std::ranges::find(names, name);
  return found == names.end() ? std::nullopt : std::optional(static_cast<Enum>(found - names.begin()));
}

/// What a fault can befall.
TransactionKinds possible(FaultKind fault) {
  using enum TransactionKind;
  switch (fault) {
    case FaultKind::kAbort:
      return TransactionKinds(kRegisterRead, kRegisterWrite, kDmaRead, kDmaWrite, kTableFetch, kWriteback, kCommand);
    case FaultKind::kStall:
      return kDmaKinds;
    case FaultKind::kDrop:
      return TransactionKinds(kRegisterRead, kRegisterWrite, kDmaWrite, kWriteback, kInterrupt);
    case FaultKind::kDuplicate:
    case FaultKind::kLate:
      return kInterruptKinds;
    case FaultKind::kShort:
    case FaultKind::kWriteAfterAbort:
      return kDataKinds;
    case FaultKind::kSpurious:
    case FaultKind::kAllOnes:
    case FaultKind::kRemoval:
      break;
  }
  return TransactionKinds(kRegisterRead, kRegisterWrite, kDmaRead, kDmaWrite, kTableFetch, kWriteback, kCommand,
                          kInterrupt);
}

bool takes(const FaultRule& rule) {
  return rule.fault != FaultKind::kShort;
}

}  // namespace

std::string_view name_of(FaultKind kind) {
  return kFaultNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(TransactionKind kind) {
  return kTransactionNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(Survives survives) {
  return kSurvivesNames[static_cast<std::size_t>(survives)];
}

std::optional<FaultKind> fault_named(std::string_view name) {
  return named<FaultKind>(kFaultNames, name);
}

std::optional<TransactionKind> transaction_named(std::string_view name) {
  return named<TransactionKind>(kTransactionNames, name);
}

std::optional<Survives> survives_named(std::string_view name) {
  return named<Survives>(kSurvivesNames, name);
}

bool only_watches(FaultKind kind) {
  return kind == FaultKind::kSpurious || kind == FaultKind::kWriteAfterAbort;
}

bool FaultRule::matches(const Transaction& transaction) const {
  if (!on.has(transaction.kind)) {
    return false;
  }
  if (channel && transaction.channel != static_cast<int>(*channel)) {
    return false;
  }
  if (vector && transaction.vector != static_cast<int>(*vector)) {
    return false;
  }
  if (prd_index && (transaction.prd_index < 0 || *prd_index < static_cast<std::uint64_t>(transaction.prd_index) ||
                    *prd_index > static_cast<std::uint64_t>(transaction.prd_last))) {
    return false;
  }
  return !addresses || (transaction.bytes != 0 && transaction.address <= addresses->second &&
                        transaction.address + (transaction.bytes - 1) >= addresses->first);
}

std::optional<std::string> refusal(const FaultRule& rule, unsigned channels, unsigned vectors) {
  if (rule.on.empty()) {
    return R"("on" must name a kind of transaction)";
  }
  if (!rule.on.within(possible(rule.fault))) {
    return fmt::format(R"("{}" is no fault of every kind of transaction in "on")", name_of(rule.fault));
  }
  if (rule.channel && (*rule.channel >= channels || !rule.on.within(kDmaKinds))) {
    return fmt::format(R"("channel" is for DMA alone, 0 to {})", channels - 1);
  }
  if (rule.prd_index && (!rule.on.within(kDmaKinds) || rule.on.meets(kWithoutDescriptor))) {
    return R"("prd_index" is for data and table-fetch alone)";
  }
  if (rule.vector && (*rule.vector >= vectors || !rule.on.within(kInterruptKinds))) {
    return fmt::format(R"("vector" is for interrupts alone, 0 to {})", vectors - 1);
  }
  if (rule.addresses && (rule.addresses->first > rule.addresses->second || rule.on.meets(kInterruptKinds))) {
    return R"("addresses" are [first, last], and not for interrupts)";
  }
  if (rule.every == 0) {
    return R"("every" must be 1 or more)";
  }
  if (rule.probability && !(*rule.probability > 0 && *rule.probability <= 1)) {
    return R"("probability" must be above 0, and at most 1)";
  }
  return rule.interrupt < vectors ? std::nullopt
                                  : std::optional(fmt::format(R"("interrupt" must be 0 to {})", vectors - 1));
}

std::optional<unsigned> FaultRules::add(const FaultRule& rule) {
  if (entries_.size() >= kMost) {
    return std::nullopt;
  }
  entries_.push_back(
      {.number = ++last_number_, .rule = rule, .matched = 0, .fired = 0, .chance = std::mt19937_64(rule.seed)});
  return last_number_;
}

bool FaultRules::remove(unsigned number) {
  return std::erase_if(entries_, [&](const Entry& entry) { return entry.number == number; }) != 0;
}

bool FaultRules::look_at(TransactionKinds kinds) const {
  return std::ranges::any_of(entries_,
                             [&](const Entry& entry) { return takes(entry.rule) && entry.rule.on.meets(kinds); });
}

bool FaultRules::shorten() const {
  return std::ranges::any_of(entries_, [](const Entry& entry) { return !takes(entry.rule); });
}

/// Counts a transaction that matches. The chance is drawn for each that gets so far, so that a run repeats exactly.
bool FaultRules::fires(Entry& entry, const Transaction& transaction) {
  const FaultRule& rule = entry.rule;
  if (!rule.matches(transaction)) {
    return false;
  }
  const std::uint64_t before = entry.matched++;
  if (before < rule.after || (before - rule.after) % rule.every != 0 ||
      (rule.count != 0 && entry.fired >= rule.count)) {
    return false;
  }
  // The generator is the standard's, its distributions are each library's own.
  if (rule.probability && std::ldexp(static_cast<double>(entry.chance() >> 11U), -53) >= *rule.probability) {
    return false;
  }
  ++entry.fired;
  return true;
}

std::vector<FaultRules::Firing> FaultRules::decide(const Transaction& transaction) {
  std::vector<Firing> firing;
  for (Entry& entry : entries_) {
    if (takes(entry.rule) && fires(entry, transaction)) {
      firing.push_back({.number = entry.number, .rule = entry.rule});
      if (!only_watches(entry.rule.fault)) {
        break;
      }
    }
  }
  return firing;
}

std::optional<FaultRules::Firing> FaultRules::decide_short(const Transaction& descriptor) {
  for (Entry& entry : entries_) {
    if (!takes(entry.rule) && fires(entry, descriptor)) {
      return Firing{.number = entry.number, .rule = entry.rule};
    }
  }
  return std::nullopt;
}

}  // namespace prd32
