// SPDX-License-Identifier: Apache-2.0
// What an input says: a header and records of the same size, so that a record cut out, doubled or moved is a record
// still.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace prd32::fuzz {

/// What a record makes happen; player.cpp says what its fields mean then. Numbers above the last one count modulo.
enum class Action : std::uint8_t {
  kWriteRegister,  ///< a register as a whole
  kReadRegister,
  kAccess,  ///< any access to the card's address space
  kWindow,  ///< any access to card memory by the host
  kStart,   ///< the registers of a transfer, START last
  kStop,
  kResetChannel,
  kResetCard,
  kMap,  ///< host memory appears
  kUnmap,
  kDescribe,  ///< descriptors are written into host memory
  kPoke,      ///< a word of host memory is written
  kRun,       ///< simulated time passes
  kQueue,     ///< commands are put into a queue, and its doorbell is written
  kCount,
};

struct Record {
  std::uint8_t action;
  std::uint8_t a;
  std::uint8_t b;
  std::uint8_t c;
  std::uint32_t x;
  std::uint32_t y;
};
static_assert(sizeof(Record) == 12);

struct Header {
  std::uint8_t card;    ///< which one, modulo their number
  std::uint8_t bus;     ///< bits kBus...
  std::uint16_t delay;  ///< of bus transactions, ns
};
static_assert(sizeof(Header) == 4);

inline constexpr unsigned kBusDebug = 1;      ///< it answers debug accesses
inline constexpr unsigned kBusDelays = 2;     ///< transactions return a delay
inline constexpr unsigned kBusWaits = 4;      ///< transactions take their time before they return
inline constexpr unsigned kBusEmpty = 8;      ///< no memory is there to begin with
inline constexpr unsigned kBusDirect = 16;    ///< what data memory is there to begin with is direct
inline constexpr unsigned kNoQuantum = 32;    ///< the card's processes may not run ahead of the simulation
inline constexpr unsigned kBusPromises = 64;  ///< it says that direct access is there, also where it refuses that

struct Script {
  Header header{};
  std::vector<Record> records;
};

inline constexpr std::size_t kMaxRecords = 64;
inline constexpr std::size_t kMaxBytes = sizeof(Header) + kMaxRecords * sizeof(Record);

/// A record's fields as they are, for people who look for what went wrong.
std::string describe(const Record& record);

/// Any bytes are a script; a record that is not there as a whole is left out.
Script decode(std::span<const std::uint8_t> bytes);

/// The bytes of a script; out must have room. Returns how many there are.
std::size_t encode(const Script& script, std::span<std::uint8_t> out);

}  // namespace prd32::fuzz
