// SPDX-License-Identifier: Apache-2.0
// A case: what a card finds in host memory, and what is done to it, step by step. Plain data.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "prd32/registers.hpp"

namespace prd32::oracle {

inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr std::uint64_t kFourGiB = std::uint64_t{1} << 32U;

/// What a card is built as. Cases name it by its place in a list.
struct CardKind {
  regs::Profile profile = regs::kProfiles.front();
  std::uint64_t memory_size = limits::kMemoryMin;  ///< bytes
};

/// Host memory, filled with known bytes. What no region covers is refused by the bus.
struct Region {
  std::uint64_t address = 0;  ///< of its first byte, a multiple of kPageBytes
  std::uint64_t bytes = 0;    ///< whole pages
  bool writable = true;
};

/// Descriptors one behind the other. Where no memory is mapped, they are not there.
struct Table {
  std::uint32_t address = 0;
  std::vector<std::uint64_t> prds;
};

enum class Action : std::uint8_t {
  kRead,   ///< software reads a register
  kWrite,  ///< software writes a register
  kRun,    ///< time passes until nothing moves any more
  kReset,  ///< function-level reset
  kPass,   ///< a little time passes: value nanoseconds
  kStore,  ///< software puts the first half of a command in host memory
};

/// The first half of a command, word by word.
using CommandWords = std::array<std::uint32_t, command::kBytes / 2 / sizeof(std::uint32_t)>;

struct Step {
  Action action = Action::kRun;
  std::uint32_t offset = 0;  ///< of kStore: the address
  unsigned bytes = 0;        ///< 1..8
  std::uint64_t value = 0;
  CommandWords command{};
};

/// How long the bus takes for an access. It changes no outcome.
enum class BusTime : std::uint8_t {
  kNone,
  kTold,   ///< the bus returns at once, and tells the time that it would have taken
  kWaits,  ///< it returns when the access is done
};

struct Case {
  unsigned card = 0;    ///< which CardKind
  bool direct = false;  ///< the bus hands out direct memory pointers
  bool debug = false;   ///< the bus answers debug accesses
  BusTime bus_time = BusTime::kNone;
  std::vector<Region> regions;  ///< sorted, without overlap
  std::vector<Table> tables;
  std::vector<Step> steps;
};

/// The case as text, registers and fields by name.
std::string describe(const Case& scene, const CardKind& kind);

}  // namespace prd32::oracle
