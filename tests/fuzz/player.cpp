// SPDX-License-Identifier: Apache-2.0
#include "player.hpp"

#include <algorithm>
#include <array>

#include "prd32/local_clock.hpp"
#include "prd32/words.hpp"

namespace prd32::fuzz {

namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr unsigned kNibbleBits = 4;
constexpr unsigned kHalfBits = 16;

// All that a script's runs take together: enough for a full table of 4096 entries.
const sc_core::sc_time& longest() {
  static const sc_core::sc_time time(1, sc_core::SC_MS);
  return time;
}

// Where things are interesting: tables, data, and boundaries of 4 KiB, 64 KiB and 4 GiB next to both.
constexpr std::uint32_t kTables = 0x10000;
constexpr std::uint32_t kData = 0x20000000;
constexpr std::array<std::uint32_t, 8> kPlaces{kTables,        kTables + 0x8000, kTables + 0xff80, kData,
                                               kData + 0xffc0, kData + 0x20000,  0xffffffc0,       0};

/// A place that a short number names, and an offset from it.
std::uint32_t address_of(std::uint8_t place, std::uint32_t offset) {
  return kPlaces.at(place % kPlaces.size()) + offset;
}

std::uint32_t low_half(std::uint32_t word) {
  return word & 0xffffU;
}
std::uint32_t high_half(std::uint32_t word) {
  return word >> kHalfBits;
}

class Player {
 public:
  Player(const Header& header, Station& station) : station_(station) {
    const sc_core::sc_time delay(static_cast<double>(header.delay), sc_core::SC_NS);
    const bool slow = (header.bus & (kBusDelays | kBusWaits)) != 0;
    station_.set_habits({.debug = (header.bus & kBusDebug) != 0,
                         .waits = (header.bus & kBusWaits) != 0,
                         .promises = (header.bus & kBusPromises) != 0,
                         .delay = slow ? delay : sc_core::SC_ZERO_TIME});
    const sc_core::sc_time quantum((header.bus & kNoQuantum) != 0 ? 0 : kQuantumUs, sc_core::SC_US);
    tlm::tlm_global_quantum::instance().set(quantum);
    slowest_ = quantum + (slow ? delay : sc_core::SC_ZERO_TIME);
    if ((header.bus & kBusEmpty) == 0) {
      station_.map(kTables, limits::kPrdBoundary, true, false);
      station_.map(kData, limits::kPrdBoundary, true, (header.bus & kBusDirect) != 0);
    }
  }

  void play(const Record& record);
  /// How far in the future one may end: a process that runs ahead of the simulation begins it there.
  const sc_core::sc_time& slowest_transaction() const { return slowest_; }

 private:
  void access(const Record& record);
  void access_memory(const Record& record);
  void start(const Record& record);
  void map(const Record& record);
  void describe(const Record& record);
  void poke(const Record& record);
  void queue(const Record& record);
  void run(const Record& record);

  Station& station_;
  sc_core::sc_time slowest_;
  sc_core::sc_time ran_ = sc_core::SC_ZERO_TIME;
};

void Player::play(const Record& record) {
  station_.complaints().tell([&] { return fuzz::describe(record); });
  const regs::Register& reg = regs::kTable.at(record.a % regs::kTable.size());
  const unsigned channel = record.a % limits::kChannels;
  switch (static_cast<Action>(record.action % static_cast<unsigned>(Action::kCount))) {
    case Action::kWriteRegister:
      return station_.write(reg.offset, record.x, reg.bytes);
    case Action::kReadRegister: {
      std::array<std::uint8_t, sizeof(std::uint32_t)> data{};
      return station_.access(tlm::TLM_READ_COMMAND, reg.offset, std::span(data).first(reg.bytes));
    }
    case Action::kAccess:
      return access(record);
    case Action::kWindow:
      return access_memory(record);
    case Action::kStart:
      return start(record);
    case Action::kStop:
      return station_.write(regs::BmCommand::at(channel), 0, 1);
    case Action::kResetChannel:
      return station_.write(regs::Control::at(channel), regs::Control::kReset, sizeof(std::uint32_t));
    case Action::kResetCard:
      return station_.reset();
    case Action::kMap:
      return map(record);
    case Action::kUnmap:
      return station_.unmap(record.a);
    case Action::kDescribe:
      return describe(record);
    case Action::kPoke:
      return poke(record);
    case Action::kQueue:
      return queue(record);
    case Action::kRun:
    case Action::kCount:
      return run(record);
  }
}

/// a: bit 0 write, bit 1 as a debugger, bit 2 anywhere in 32 bits; b: bytes; c: a kind of odd access, when bit 7 is
/// set.
void Player::access(const Record& record) {
  constexpr unsigned kMost = 9;
  constexpr std::uint8_t kOdd = 0x80;
  std::array<std::uint8_t, kMost> data{};
  const std::uint64_t offset = (record.a & 4U) != 0 ? record.x : record.x % (regs::kAddressSpace + kMost);
  if ((record.c & kOdd) != 0) {
    return station_.access_oddly(record.c, (record.a & 1U) != 0, offset);
  }
  for (std::size_t i = 0; i < data.size(); ++i) {
    data.at(i) = static_cast<std::uint8_t>(record.y >> (i % sizeof(record.y) * 2 * kNibbleBits));
  }
  const std::span<std::uint8_t> part = std::span(data).first(record.b % (kMost + 1));
  if ((record.a & 2U) != 0) {
    return station_.look(offset, part);
  }
  station_.access((record.a & 1U) != 0 ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, offset, part);
}

/// a: bit 0 write, bit 1 near the end of card memory, bit 2 anywhere in 64 bits; b: the byte that is written.
void Player::access_memory(const Record& record) {
  std::uint64_t address = record.x % station_.memory_size();
  if ((record.a & 2U) != 0) {
    address = station_.memory_size() - record.x % Station::kWindowMost;
  } else if ((record.a & 4U) != 0) {
    address = ~std::uint64_t{record.x};
  }
  station_.access_memory((record.a & 1U) != 0, address, record.y % (Station::kWindowMost + 1), record.b);
}

/// a: bit 0 channel, bit 1 to the host, bits 7:4 the place of the table; b: CONTROL's bits from 1 on; c: ENTRIES;
/// x: LENGTH and, in the high half, where the status block is; y: CARD_ADDR.
void Player::start(const Record& record) {
  using regs::Control;
  const unsigned channel = record.a & 1U;
  const std::uint32_t control = ((record.b & 1U) != 0 ? Control::kCyclic : 0) |
                                ((record.b & 2U) != 0 ? Control::kWriteback : 0) |
                                regs::field_put<std::uint32_t>(Control::kEndpoint, record.b >> kNibbleBits);
  constexpr unsigned kWord = sizeof(std::uint32_t);
  station_.write(regs::BmPrdt::at(channel), address_of(record.a >> kNibbleBits, 0), kWord);
  station_.write(regs::CardAddr::at(channel), record.y, kWord);
  station_.write(regs::Length::at(channel), low_half(record.x), kWord);
  station_.write(regs::Entries::at(channel), record.c, kWord);
  station_.write(regs::WritebackAddr::at(channel), kData + high_half(record.x), kWord);
  station_.write(regs::Control::at(channel), control, kWord);
  station_.write(regs::BmCommand::at(channel),
                 regs::BmCommand::kStart | ((record.a & 2U) != 0 ? regs::BmCommand::kToHost : 0), 1);
}

/// a: bit 0 not writable, bit 1 direct; b: the place; c: pages; x: pages from there.
void Player::map(const Record& record) {
  constexpr std::uint64_t kMostPages = 17;
  const std::uint64_t address = address_of(record.b, record.x * kPageBytes) / kPageBytes * kPageBytes;
  station_.map(address, (record.c % kMostPages + 1) * kPageBytes, (record.a & 1U) == 0, (record.a & 2U) != 0);
}

/// a: bits 0..2 EOT, MARK and a reserved bit of the last one, bits 7:3 how many more; b: the places of the table and,
/// in the high nibble, of the regions; c: the first one's index; x: the first region's offset there and, in the high
/// half, the count; y: from one region to the next.
void Player::describe(const Record& record) {
  const unsigned more = record.a >> 3U;
  for (unsigned i = 0; i <= more; ++i) {
    const bool last = i == more;
    auto value = regs::field_put<std::uint64_t>(prd::kBase,
                                                address_of(record.b >> kNibbleBits, low_half(record.x) + i * record.y));
    value |= regs::field_put<std::uint64_t>(prd::kCount, high_half(record.x));
    value |= (last && (record.a & 1U) != 0 ? prd::kEot : 0) | ((record.a & 2U) != 0 ? prd::kMark : 0) |
             ((record.a & 4U) != 0 ? prd::kReserved : 0);
    std::array<std::uint8_t, prd::kBytes> raw{};
    for (std::uint8_t& byte : raw) {
      byte = static_cast<std::uint8_t>(value);
      value >>= 2U * kNibbleBits;
    }
    station_.host().write(address_of(record.b, static_cast<std::uint32_t>((record.c + i) * prd::kBytes)), raw);
  }
}

/// b: the place; x: the offset there; y: the word.
void Player::poke(const Record& record) {
  std::array<std::uint8_t, sizeof(record.y)> data{};
  std::memcpy(data.data(), &record.y, data.size());
  station_.host().write(address_of(record.b, record.x), data);
}

/// a: bit 0 channel, bit 1 the queue is not aligned, bit 2 the doorbell goes too far, bits 7:4 the place of the tables;
/// b: the size and, in the high nibble, how many commands more than one; c: TO_HOST, a reserved bit, ENDPOINT, and in
/// the high nibble ENTRIES; x: LENGTH and, in the high half, how far the doorbell goes too far; y: CARD_ADDR.
void Player::queue(const Record& record) {
  constexpr std::uint32_t kQueue = kData + 0xc000;
  constexpr unsigned kWord = sizeof(std::uint32_t);
  const unsigned channel = record.a & 1U;
  const std::uint32_t size = 1U << (record.b % (1U << kNibbleBits));
  const std::uint32_t flags = ((record.c & 1U) != 0 ? command::kFlagsToHost : 0) |
                              ((record.c & 2U) != 0 ? 1U << kNibbleBits : 0) |
                              regs::field_put<std::uint32_t>(command::kFlagsEndpoint, record.c >> 2U) |
                              regs::field_put<std::uint32_t>(command::kFlagsEntries, record.c >> kNibbleBits);
  station_.write(regs::QueueBase::at(channel), kQueue + ((record.a & 2U) != 0 ? kWord : 0), kWord);
  station_.write(regs::QueueSize::at(channel), record.b % (1U << kNibbleBits), kWord);
  std::uint32_t tail = station_.read(regs::QueueTail::at(channel));
  for (unsigned i = 0; i <= record.b >> kNibbleBits; ++i, ++tail) {
    std::array<std::uint8_t, command::kBytes / 2> half{};
    put_word(half, command::kPrdt, address_of(record.a >> kNibbleBits, 0));
    put_word(half, command::kCardAddr, record.y);
    put_word(half, command::kLength, low_half(record.x));
    put_word(half, command::kFlags, flags);
    station_.host().write(kQueue + static_cast<std::uint32_t>(tail % size * command::kBytes), half);
  }
  station_.write(regs::QueueTail::at(channel), tail + ((record.a & 4U) != 0 ? high_half(record.x) : 0), kWord);
}

/// x: so many nanoseconds, 1 to 65536; a: times 16 when bit 0 is set.
void Player::run(const Record& record) {
  constexpr double kTimes = 16;
  const double ns = (1 + low_half(record.x)) * ((record.a & 1U) != 0 ? kTimes : 1);
  const sc_core::sc_time time = std::min(sc_core::sc_time(ns, sc_core::SC_NS), longest() - ran_);
  if (time != sc_core::SC_ZERO_TIME) {
    ran_ += time;
    station_.run(time);
  }
}

}  // namespace

std::optional<std::string> play(const Script& script, Stations& stations) {
  Station& station = *stations.at(script.header.card % stations.size());
  Player player(script.header, station);
  for (const Record& record : script.records) {
    player.play(record);
  }
  station.settle(player.slowest_transaction());
  return station.complaints().take();
}

}  // namespace prd32::fuzz
