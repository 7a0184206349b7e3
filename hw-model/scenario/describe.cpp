// SPDX-License-Identifier: Apache-2.0
// Steps in words.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scenario.hpp"

namespace prd32::scenario {

namespace {

std::string rights_text(const Rights& rights) {
  return rights == kUnmapped           ? "nothing"
         : rights.read && rights.write ? "read and write"
         : rights.read                 ? "read"
                                       : "write";
}

std::string address_text(Memory memory, std::uint64_t address) {
  return fmt::format("{} {:#x}", memory == Memory::kHost ? "host memory" : "card memory", address);
}

struct Describe {
  std::string operator()(const WriteRegister& step) const {
    std::string text = fmt::format("write {} = {}", step.place.name, value_text(step.place, step.value));
    if (step.split != step.place.bytes) {
      text +=
          fmt::format(", {} at a time, lowest first", step.split == 1 ? "a byte" : fmt::format("{} bytes", step.split));
    }
    return text + (step.refused ? ", which is refused" : "");
  }
  std::string operator()(const ReadRegister& step) const {
    return fmt::format("read {}{}", step.place.name, step.refused ? ", which is refused" : "");
  }
  std::string operator()(const RunFor& step) const { return "run for " + time_text(step.time); }
  std::string operator()(const RunUntilIdle& step) const {
    return fmt::format("run until channel {} {} idle", fmt::join(step.channels, " and "),
                       step.channels.size() == 1 ? "is" : "are");
  }
  std::string operator()(const RunUntilLine& step) const {
    return fmt::format("run until line {} is high", vectors::kNames.at(step.vector));
  }
  std::string operator()(const RunUntilRegister& step) const {
    return fmt::format("run until {} is {}", step.place.name, describe(step.expectation, step.place));
  }
  std::string operator()(const PutBytes& step) const {
    return fmt::format("put {} at {}", step.what, address_text(step.memory, step.address));
  }
  std::string operator()(const CheckBytes& step) const {
    return fmt::format("{} holds {}", address_text(step.memory, step.address), step.what);
  }
  std::string operator()(const SetRights& step) const {
    return fmt::format("from now on the card may {} {}", rights_text(step.rights), step.region);
  }
  std::string operator()(const CheckLines& step) const {
    std::string text = "interrupt lines:";
    for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
      if (step.high.at(vector)) {
        text += fmt::format(" {} {}", vectors::kNames.at(vector), *step.high.at(vector) ? "high" : "low");
      }
    }
    return text;
  }
  std::string operator()(const CheckRises& step) const {
    std::string text = "rises of interrupt lines:";
    for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
      if (step.rises.at(vector)) {
        text += fmt::format(" {} {}", vectors::kNames.at(vector), *step.rises.at(vector));
      }
    }
    return text;
  }
  std::string operator()(const CheckBreaches& step) const {
    std::vector<std::string> rules;
    for (const ExpectedBreach& breach : step.breaches) {
      rules.push_back(describe(breach));
    }
    return fmt::format("breaches: {}", rules.empty() ? "none" : fmt::to_string(fmt::join(rules, ", ")));
  }
  std::string operator()(const StartStopwatch& /*step*/) const { return "start the stopwatch"; }
  std::string operator()(const CheckElapsed& step) const { return "elapsed: " + describe(step.band, kTimes); }
  std::string operator()(const CheckThroughput& step) const {
    return fmt::format("throughput {} the host: {}", step.direction == Direction::kToHost ? "to" : "from",
                       step.analytic ? fmt::format("within {:g} % of the formula", *step.analytic / kShares[0].factor)
                                     : describe(step.band, kRates));
  }
  std::string operator()(const ResetCard& /*step*/) const { return "reset the card"; }
};

}  // namespace

std::string describe(const Action& action) {
  return std::visit(Describe{}, action);
}

std::string describe(const Expectation& expectation, const Place& place) {
  std::vector<std::string> parts;
  if (expectation.value) {
    parts.push_back(value_text(place, *expectation.value));
  }
  if (expectation.at_least) {
    parts.push_back(fmt::format("at least {}", *expectation.at_least));
  }
  if (expectation.at_most) {
    parts.push_back(fmt::format("at most {}", *expectation.at_most));
  }
  const bool masked = expectation.mask != ~std::uint32_t{0};
  return fmt::format("{}{}", fmt::join(parts, ", "), masked ? fmt::format(" in the bits {:#x}", expectation.mask) : "");
}

std::string describe(const ExpectedBreach& breach) {
  std::string text = breach.rule;
  if (breach.severity) {
    text += fmt::format(", {}", *breach.severity);
  }
  if (breach.channel) {
    text += fmt::format(", channel {}", *breach.channel);
  }
  if (breach.prd_index) {
    text += fmt::format(", PRD {}", *breach.prd_index);
  }
  if (breach.address) {
    text += fmt::format(", at {:#x}", *breach.address);
  }
  return text;
}

std::string describe(const Band& band, std::span<const Unit> units) {
  const auto low = band.low ? with_unit(*band.low, units) : "";
  const auto high = band.high ? with_unit(*band.high, units) : "";
  if (band.low && band.high) {
    return band.low == band.high ? low : fmt::format("{} to {}", low, high);
  }
  return band.low ? "at least " + low : "at most " + high;
}

}  // namespace prd32::scenario
