// SPDX-License-Identifier: Apache-2.0
#include "player.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace prd32::scenario {

namespace {

constexpr std::uint64_t kPicosecondsPerSecond = 1'000'000'000'000;
constexpr unsigned kByteBits = 8;

bool holds(const Expectation& expectation, std::uint32_t value) {
  const std::uint32_t seen = value & expectation.mask;
  return (!expectation.value || seen == (*expectation.value & expectation.mask)) &&
         seen >= expectation.at_least.value_or(0) && seen <= expectation.at_most.value_or(~std::uint32_t{0});
}

bool holds(const Band& band, double value) {
  return value >= band.low.value_or(value) && value <= band.high.value_or(value);
}

/// The first byte that differs, and how many do.
std::string difference(std::uint64_t address, std::span<const std::uint8_t> expected,
                       std::span<const std::uint8_t> found, std::string& wanted) {
  const auto [e, f] = std::ranges::mismatch(expected, found);
  const auto at = static_cast<std::size_t>(e - expected.begin());
  std::size_t count = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    count += expected[i] != found[i] ? 1 : 0;
  }
  constexpr std::size_t kShown = 16;
  const std::size_t shown = std::min(kShown, expected.size() - at);
  wanted = fmt::format("at {:#x}: {:02x}", address + at, fmt::join(expected.subspan(at, shown), " "));
  return fmt::format("at {:#x}: {:02x}; {} of {} bytes differ", address + at, fmt::join(found.subspan(at, shown), " "),
                     count, expected.size());
}

std::string breach_text(const Violation& breach) {
  return fmt::format("{} ({}, channel {}, PRD {}, at {:#x}: {})", breach.rule, breach.severity, breach.channel,
                     breach.prd_index, breach.address, breach.detail);
}

bool matches(const ExpectedBreach& expected, const Violation& found) {
  return expected.rule == found.rule && expected.severity.value_or(std::string(found.severity)) == found.severity &&
         expected.channel.value_or(found.channel) == found.channel &&
         expected.prd_index.value_or(found.prd_index) == found.prd_index &&
         expected.address.value_or(found.address) == found.address;
}

std::string breaches_text(const std::vector<Violation>& breaches, std::uint64_t dropped) {
  constexpr std::size_t kShown = 10;
  std::vector<std::string> texts;
  for (const Violation& breach : breaches) {
    if (texts.size() == kShown) {
      break;
    }
    texts.push_back(breach_text(breach));
  }
  const std::uint64_t more = breaches.size() - texts.size() + dropped;
  return texts.empty()
             ? "none"
             : fmt::format("{}{}", fmt::join(texts, ", "), more == 0 ? "" : fmt::format(", and {} more", more));
}

}  // namespace

// ---- registers

/// In accesses of split bytes each, the lowest first.
bool Player::write(const Place& place, std::uint32_t value, unsigned split) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> data{};
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    data.at(i) = static_cast<std::uint8_t>(value >> kByteBits * i);
  }
  bool taken = true;
  for (unsigned done = 0; done < place.bytes; done += split) {
    taken =
        bench_.processor.access(tlm::TLM_WRITE_COMMAND, place.offset + done, std::span(data).subspan(done, split)) &&
        taken;
  }
  simulation::settle();
  return taken;
}

Outcome Player::do_step(const WriteRegister& step) {
  const bool taken = write(step.place, step.value, step.split);
  return {.ok = taken != step.refused,
          .expected = step.refused ? "the card refuses the access" : "the card takes the access",
          .found = taken          ? (step.refused ? "it was taken" : "")
                   : step.refused ? ""
                                  : "it was refused"};
}

Outcome Player::do_step(const ReadRegister& step) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> data{};
  const bool taken =
      bench_.processor.access(tlm::TLM_READ_COMMAND, step.place.offset, std::span(data).first(step.place.bytes));
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    value |= std::uint32_t{data.at(i)} << kByteBits * i;
  }
  if (!taken || step.refused) {
    return {.ok = taken != step.refused,
            .expected = step.refused ? "the card refuses the access" : "the card takes the access",
            .found = taken ? value_text(step.place, value) : "refused"};
  }
  return {.ok = holds(step.expectation, value),
          .expected = describe(step.expectation, step.place),
          .found = value_text(step.place, value)};
}

// ---- time

bool Player::active(unsigned channel) {
  return (bench_.processor.peek(regs::BmStatus::at(channel), 1) & regs::BmStatus::kActive) != 0;
}

/// What the channels are at, for whoever waited in vain.
std::string Player::channels_now() {
  std::vector<std::string> texts;
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    if (active(channel)) {
      texts.push_back(fmt::format("channel {} is active and has moved {} bytes by {} descriptors", channel,
                                  bench_.processor.peek(regs::Moved::at(channel), sizeof(std::uint32_t)),
                                  bench_.processor.peek(regs::Prds::at(channel), sizeof(std::uint32_t))));
    }
  }
  return texts.empty() ? "no channel is active" : fmt::to_string(fmt::join(texts, "; "));
}

/// now: what was waited for, as it is.
Outcome Player::waited(simulation::Wait wait, Picoseconds within, std::string expected, const std::string& now) {
  const std::string state = channels_now() + (now.empty() ? "" : "; " + now);
  switch (wait) {
    case simulation::Wait::kDone:
      return {};
    case simulation::Wait::kTooLate:
      return {.ok = false,
              .ends = true,
              .expected = fmt::format("{}, within {}", expected, time_text(within)),
              .found = fmt::format("not after {}: {}", time_text(within), state)};
    case simulation::Wait::kStill:
      break;
  }
  return {.ok = false,
          .ends = true,
          .expected = std::move(expected),
          .found = fmt::format("at {} nothing is going on any more, so that it will never be: {}",
                               time_text(simulation::now()), state)};
}

Outcome Player::do_step(const RunFor& step) {
  simulation::run_for(step.time);
  return {};
}

Outcome Player::do_step(const RunUntilIdle& step) {
  const auto idle = [&] {
    return std::ranges::none_of(step.channels, [&](unsigned channel) { return active(channel); });
  };
  return waited(simulation::run_until(idle, step.within), step.within,
                fmt::format("channel {} idle", fmt::join(step.channels, " and ")), "");
}

Outcome Player::do_step(const RunUntilLine& step) {
  const auto high = [&] { return bench_.processor.high(step.vector); };
  return waited(simulation::run_until(high, step.within), step.within,
                fmt::format("line {} high", vectors::kNames.at(step.vector)), "the line is low");
}

Outcome Player::do_step(const RunUntilRegister& step) {
  const auto value = [&] { return bench_.processor.peek(step.place.offset, step.place.bytes); };
  const auto wait = simulation::run_until([&] { return holds(step.expectation, value()); }, step.within);
  const std::string now = value_text(step.place, value());
  Outcome outcome =
      waited(wait, step.within, fmt::format("{} {}", step.place.name, describe(step.expectation, step.place)),
             fmt::format("{} is {}", step.place.name, now));
  outcome.found = outcome.ok ? now : outcome.found;
  return outcome;
}

// ---- memory

Outcome Player::do_step(const PutBytes& step) {
  std::vector<std::uint8_t> bytes = step.bytes;
  if (step.memory == Memory::kCard) {
    const bool taken = bench_.processor.access_memory(tlm::TLM_WRITE_COMMAND, step.address, bytes);
    return {.ok = taken, .expected = "the card takes the access", .found = taken ? "" : "refused"};
  }
  std::ranges::copy(bytes, bench_.host.at(step.address, bytes.size()).begin());
  return {};
}

Outcome Player::do_step(const CheckBytes& step) {
  std::vector<std::uint8_t> found(step.bytes.size());
  if (step.memory == Memory::kHost) {
    std::ranges::copy(bench_.host.at(step.address, found.size()), found.begin());
  } else if (!bench_.processor.access_memory(tlm::TLM_READ_COMMAND, step.address, found)) {
    return {.ok = false, .expected = "the card takes the access", .found = "refused"};
  }
  if (found == step.bytes) {
    return {};
  }
  Outcome outcome{.ok = false};
  outcome.found = difference(step.address, step.bytes, found, outcome.expected);
  return outcome;
}

Outcome Player::do_step(const SetRights& step) {
  bench_.host.set_rights(step.region, step.rights);
  return {};
}

Outcome Player::do_step(const ResetCard& /*step*/) {
  bench_.card.reset();
  simulation::settle();
  return {};
}

// ---- what the card did

Outcome Player::do_step(const CheckLines& step) const {
  Outcome outcome{.expected = describe(Action(step)), .found = "interrupt lines:"};
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    const bool high = bench_.processor.high(vector);
    outcome.ok = outcome.ok && step.high.at(vector).value_or(high) == high;
    outcome.found += fmt::format(" {} {}", vectors::kNames.at(vector), high ? "high" : "low");
  }
  return outcome.ok ? Outcome{} : outcome;
}

Outcome Player::do_step(const CheckRises& step) const {
  Outcome outcome{.expected = describe(Action(step)), .found = "rises of interrupt lines:"};
  for (unsigned vector = 0; vector < vectors::kCount; ++vector) {
    const std::uint64_t rises = bench_.processor.rises(vector);
    outcome.ok = outcome.ok && step.rises.at(vector).value_or(rises) == rises;
    outcome.found += fmt::format(" {} {}", vectors::kNames.at(vector), rises);
  }
  return outcome.ok ? Outcome{} : outcome;
}

Outcome Player::do_step(const CheckBreaches& step) {
  const std::vector<Violation> found = std::exchange(log_.breaches, {});
  const std::uint64_t dropped = std::exchange(log_.dropped, 0);
  if (step.breaches.empty() && found.empty()) {
    return {};
  }
  return {.ok = dropped == 0 && std::ranges::equal(step.breaches, found, matches),
          .expected = describe(Action(step)),
          .found = breaches_text(found, dropped)};
}

Outcome Player::do_step(const StartStopwatch& /*step*/) {
  stopwatch_ = simulation::now();
  to_host_then_ = bench_.card.statistics().bytes_to_host;
  from_host_then_ = bench_.card.statistics().bytes_from_host;
  return {};
}

Outcome Player::do_step(const CheckElapsed& step) {
  const auto elapsed = static_cast<double>((simulation::now() - stopwatch_).count());
  return {
      .ok = holds(step.band, elapsed), .expected = describe(step.band, kTimes), .found = with_unit(elapsed, kTimes)};
}

Outcome Player::do_step(const CheckThroughput& step) {
  const bool to_host = step.direction == Direction::kToHost;
  const CardStatistics& statistics = bench_.card.statistics();
  const std::uint64_t bytes =
      to_host ? statistics.bytes_to_host - to_host_then_ : statistics.bytes_from_host - from_host_then_;
  const auto picoseconds = static_cast<double>((simulation::now() - stopwatch_).count());
  if (picoseconds == 0) {
    return {
        .ok = false, .expected = describe(Action(step)), .found = "no time has passed since the stopwatch was started"};
  }
  Band band = step.band;
  if (step.analytic) {
    const LinkConfig& link = *run_.timing.timing.link;
    const double formula = to_host ? analytic_write_throughput(link) : analytic_read_throughput(link);
    band = {.low = formula * (1 - *step.analytic), .high = formula * (1 + *step.analytic)};
  }
  const double rate = static_cast<double>(bytes) / picoseconds * kPicosecondsPerSecond;
  return {.ok = holds(band, rate), .expected = describe(band, kRates), .found = with_unit(rate, kRates)};
}

// ---- all of it

void Player::play() {
  simulation::power_up();
  const std::vector<Step>& steps = run_.scenario.steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Outcome outcome = std::visit([this](const auto& action) { return this->do_step(action); }, steps[i].action);
    report_.step(steps[i].line, steps[i].note, describe(steps[i].action), outcome);
    if (outcome.ends) {
      report_.not_run(steps.size() - i - 1);
      return;
    }
  }
  report_.step(steps.back().line, "", "in the end all is idle, and every breach was looked at", end());
}

Outcome Player::end() {
  const bool idle = bench_.card.active_channels().empty();
  return {.ok = idle && log_.breaches.empty() && log_.dropped == 0,
          .expected = "no channel is active, breaches: none",
          .found = idle && log_.breaches.empty()
                       ? ""
                       : fmt::format("{}, breaches: {}", channels_now(), breaches_text(log_.breaches, log_.dropped))};
}

}  // namespace prd32::scenario
