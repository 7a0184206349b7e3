// SPDX-License-Identifier: Apache-2.0
// What a scenario file says, read and checked: README.md describes the file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "prd32/card.hpp"
#include "quantities.hpp"
#include "register_names.hpp"

namespace prd32::scenario {

/// What the card may do to a region of host memory.
struct Rights {
  bool read = true;
  bool write = true;
  bool operator==(const Rights&) const = default;
};
inline constexpr Rights kUnmapped{.read = false, .write = false};

struct Region {
  std::string name;
  std::uint64_t at = 0;  ///< bus address of the first byte
  Rights rights;
  std::vector<std::uint8_t> bytes;
};

struct HostConfig {
  Picoseconds latency{};  ///< of each transaction
  bool direct = false;    ///< the card gets direct memory pointers (TLM-2.0 DMI)
  std::vector<Region> regions;
};

/// Limits of what is measured; an absent one is none.
struct Band {
  std::optional<double> low;
  std::optional<double> high;
};

/// What a register's value must be.
struct Expectation {
  std::optional<std::uint32_t> value;
  std::uint32_t mask = ~std::uint32_t{0};  ///< the bits that count, for the limits too
  std::optional<std::uint32_t> at_least;
  std::optional<std::uint32_t> at_most;
};

// ---- steps

struct WriteRegister {
  Place place;
  std::uint32_t value = 0;
  unsigned split = 0;    ///< bytes of each access; place.bytes for one
  bool refused = false;  ///< the card must not take it
};
struct ReadRegister {
  Place place;
  Expectation expectation{};
  bool refused = false;
};
struct RunFor {
  Picoseconds time{};
};
struct RunUntilIdle {
  std::vector<unsigned> channels;
  Picoseconds within{};
};
/// Until the line is high.
struct RunUntilLine {
  unsigned vector = 0;
  Picoseconds within{};
};
struct RunUntilRegister {
  Place place;
  Expectation expectation{};
  Picoseconds within{};
};

enum class Memory : std::uint8_t { kHost, kCard };
struct PutBytes {
  Memory memory = Memory::kHost;
  std::uint64_t address = 0;
  std::vector<std::uint8_t> bytes{};
  std::string what{};  ///< how the file says them
};
struct CheckBytes {
  Memory memory = Memory::kHost;
  std::uint64_t address = 0;
  std::vector<std::uint8_t> bytes{};
  std::string what{};
};
struct SetRights {
  std::string region;
  Rights rights;
};

/// By vector; nothing where it does not matter.
struct CheckLines {
  std::array<std::optional<bool>, vectors::kCount> high;
};
/// How often each line rose since the beginning.
struct CheckRises {
  std::array<std::optional<std::uint64_t>, vectors::kCount> rises;
};

struct ExpectedBreach {
  std::string rule;
  std::optional<std::string> severity{};
  std::optional<int> channel{};
  std::optional<std::int64_t> prd_index{};
  std::optional<std::uint64_t> address{};
};
/// All breaches since the last step of this kind, in order.
struct CheckBreaches {
  std::vector<ExpectedBreach> breaches;
};

struct StartStopwatch {};
/// Picoseconds since the stopwatch was started.
struct CheckElapsed {
  Band band;
};
enum class Direction : std::uint8_t { kToHost, kFromHost };
/// Bytes a second since the stopwatch was started.
struct CheckThroughput {
  Direction direction = Direction::kToHost;
  Band band{};
  std::optional<double> analytic{};  ///< the link's formula gives the value, with this share of tolerance
};
struct ResetCard {};

using Action = std::variant<WriteRegister, ReadRegister, RunFor, RunUntilIdle, RunUntilLine, RunUntilRegister, PutBytes,
                            CheckBytes, SetRights, CheckLines, CheckRises, CheckBreaches, StartStopwatch, CheckElapsed,
                            CheckThroughput, ResetCard>;

struct Step {
  unsigned line = 0;
  std::string note;  ///< the user's words, or nothing
  Action action;
};

/// The same card with each of the timings; a run of the scenario for each.
struct TimingVariant {
  std::string text;  ///< "nominal", or the link as the file says it
  Timing timing;
};

struct Scenario {
  std::string file;  ///< as the user gave it
  std::string title;
  CardConfig card;  ///< but for its timing
  std::string profile;
  std::vector<TimingVariant> timings;  ///< at least one
  Picoseconds quantum{};
  HostConfig host;
  std::vector<Step> steps;
};

/// Reads and checks a file. Throws Mistake (keys.hpp), whose text begins with FILE:LINE where it has one.
Scenario load_scenario(const std::string& file);

/// A step in words, as the report has it.
std::string describe(const Action& action);
std::string describe(const Expectation& expectation, const Place& place);
std::string describe(const ExpectedBreach& breach);
std::string describe(const Band& band, std::span<const Unit> units);

}  // namespace prd32::scenario
