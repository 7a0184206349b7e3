// SPDX-License-Identifier: Apache-2.0
#include "witness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace prd32::fuzz {

using regs::Err;
using regs::Mode;

namespace {

constexpr std::uint64_t kAddressEnd = std::uint64_t{1} << limits::kAddressBits;
constexpr std::uint64_t kPageBytes = 4096;
constexpr unsigned kByteBits = 8;
constexpr std::size_t kMostBursts = 16;  // of a cyclic table that are remembered; a lap has no more in a script

std::uint64_t little_endian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= std::uint64_t{bytes[i]} << (kByteBits * i);
  }
  return value;
}

std::uint64_t low_bits(unsigned count) {
  return (std::uint64_t{1} << count) - 1;
}

bool is_one_of(std::span<const Stretch> region, std::uint64_t address, std::uint64_t bytes) {
  return bytes != 0 && std::ranges::any_of(region, [&](const Stretch& stretch) {
           return stretch.address == address && stretch.bytes == bytes;
         });
}

bool lies_in(std::uint64_t address, std::uint64_t start, std::uint64_t bytes) {
  return address >= start && address - start < bytes;
}

}  // namespace

void Witness::started(unsigned channel, const Setup& setup) {
  Transfer& transfer = transfers_.at(channel);
  transfer = {};
  transfer.state = State::kGoing;
  transfer.setup = setup;
}

void Witness::queue_began(unsigned channel) {
  started(channel, {});
  transfers_.at(channel).queued = true;
  transfers_.at(channel).was_blind = true;
}

void Witness::recorded(std::string_view rule, bool error, int channel) {
  const auto* const found = std::ranges::find(regs::kRules, rule, &regs::Rule::name);
  if (rule.empty() || found == regs::kRules.end() || channel < 0 || channel >= static_cast<int>(limits::kChannels)) {
    card_.complaints.add(fmt::format("the log names rule \"{}\" and channel {}", rule, channel));
    return;
  }
  const auto code = static_cast<Err>(found - regs::kRules.begin());
  // A table that does not end breaks prdt-entries in error, whatever that is switched to.
  const bool forced = code == Err::kPrdtEntries && error;
  if (!forced && (mode(code) == Mode::kOff || error != refuses(code))) {
    card_.complaints.add(fmt::format("rule {} is recorded as {}", rule, error ? "error" : "warning"));
  }
  Transfer& transfer = transfers_.at(static_cast<std::size_t>(channel));
  const bool of_the_queue = code == Err::kWritebackRefused || (code >= Err::kQueueAlign && code <= Err::kQueueFetch);
  if (error && transfer.state == State::kGoing && (!transfer.queued || of_the_queue)) {
    transfer.state = State::kInError;
    transfer.ended_by_a_write = code >= Err::kStartActive && code <= Err::kSetupActive;
  }
}

void Witness::memory_changes() {
  for (Transfer& transfer : transfers_) {
    transfer.was_blind = is_blind(transfer);
  }
}

// ---- where descriptors are

std::uint64_t Witness::table_of(const Setup& setup) const {
  return like_silicon(Err::kPrdtAlign) ? setup.table & ~low_bits(card_.profile.prdt_align_log2) : setup.table;
}

/// Where the descriptor of that index is; nothing when the rules end the transfer before it is fetched.
std::optional<std::uint64_t> Witness::descriptor_at(const Setup& setup, std::uint64_t index) const {
  const std::uint64_t table = table_of(setup);
  const std::uint64_t allowed = std::uint64_t{1} << card_.profile.entries_log2;
  if ((refuses(Err::kPrdtEntries) && index >= allowed) || index >= limits::kPrdtLastResort) {
    return std::nullopt;
  }
  const std::uint64_t counted = like_silicon(Err::kPrdtEntries) ? index % allowed : index;
  const std::uint64_t address = (table + counted * prd::kBytes) % kAddressEnd;
  const std::uint64_t block = table / limits::kPrdBoundary * limits::kPrdBoundary;
  if (lies_in(address, block, limits::kPrdBoundary)) {
    return address;
  }
  if (refuses(Err::kPrdtCross)) {
    return std::nullopt;
  }
  return like_silicon(Err::kPrdtCross) ? block + address % limits::kPrdBoundary : address;
}

// ---- what may happen on the bus

/// The index of the descriptor that the channel is at, as far as its lap is known.
std::uint64_t Witness::index(unsigned channel) const {
  return card_.progress(channel).prds - transfers_.at(channel).lap.prds;
}

/// What the lap has moved; nothing where nobody can know. A fetch of descriptor 0 begins a lap, unless the card counts
/// as silicon does, and comes to it again within one.
std::optional<std::uint64_t> Witness::moved(unsigned channel) const {
  const Transfer& transfer = transfers_.at(channel);
  const bool again = like_silicon(Err::kPrdtEntries) || like_silicon(Err::kPrdtCross);
  if (!transfer.lap_is_known || (transfer.setup.cyclic && again)) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(card_.progress(channel).moved - transfer.lap.moved);
}

/// Whether a descriptor of any index may be there.
bool Witness::may_hold_a_descriptor(const Setup& setup, std::uint64_t address) const {
  const std::uint64_t distance = (address + kAddressEnd - table_of(setup)) % kAddressEnd;
  const std::uint64_t block = table_of(setup) / limits::kPrdBoundary * limits::kPrdBoundary;
  return distance % prd::kBytes == 0 &&
         (descriptor_at(setup, distance / prd::kBytes) == address ||
          (like_silicon(Err::kPrdtCross) && lies_in(address, block, limits::kPrdBoundary)));
}

bool Witness::fetch_is_due(unsigned channel, std::uint64_t address, std::uint64_t bytes) const {
  const Transfer& transfer = transfers_.at(channel);
  if (transfer.state != State::kGoing || bytes == 0 || bytes % prd::kBytes != 0) {
    return false;
  }
  const bool one_page = address / kPageBytes == (address + bytes - 1) / kPageBytes;
  if (!one_page && bytes != prd::kBytes) {
    return false;
  }
  if (transfer.setup.cyclic && (!transfer.lap_is_known || is_blind(transfer))) {
    return may_hold_a_descriptor(transfer.setup, address);
  }
  return descriptor_at(transfer.setup, index(channel)) == address ||
         (transfer.setup.cyclic && descriptor_at(transfer.setup, 0) == address);
}

/// One or both channels fetch there. Unless it is certain that one does, it is not known whose lap begins, or whether.
void Witness::fetch(std::uint64_t address, std::span<const unsigned> channels, bool certain) {
  for (const unsigned channel : channels) {
    Transfer& transfer = transfers_.at(channel);
    transfer.fetching = address;
    if (transfer.setup.cyclic && descriptor_at(transfer.setup, 0) == address) {
      transfer.lap = card_.progress(channel);
      transfer.lap_is_known = transfer.lap_is_known && certain;
    }
  }
}

/// Where the status block may lie. A transfer that a write ended before its setup was examined writes it to the address
/// as that is; whether it was examined shows when something was fetched.
Witness::Region Witness::blocks_of(const Transfer& transfer) const {
  const std::uint64_t astray = transfer.setup.writeback % limits::kWritebackBytes;
  Region region{};
  if (transfer.state == State::kEnded || !transfer.setup.write_back) {
    return region;
  }
  if (astray == 0 || !refuses(Err::kWritebackAlign)) {
    region[0] = {.address = transfer.setup.writeback - (like_silicon(Err::kWritebackAlign) ? astray : 0),
                 .bytes = limits::kWritebackBytes};
  }
  if (transfer.ended_by_a_write && transfer.read.empty()) {
    region[1] = {.address = transfer.setup.writeback, .bytes = limits::kWritebackBytes};
  }
  return region;
}

/// The two parts of a region that the rules about boundaries leave, or nothing.
Witness::Region Witness::split(std::uint64_t base, std::uint64_t bytes) const {
  const std::uint64_t boundary = (base / limits::kPrdBoundary + 1) * limits::kPrdBoundary;
  if (base + bytes <= boundary) {
    return {Stretch{base, bytes}};
  }
  const bool wraps = boundary == kAddressEnd;
  if ((wraps && refuses(Err::kPrdWrap)) || refuses(Err::kPrdCross)) {
    return {};
  }
  const std::uint64_t rest = like_silicon(Err::kPrdCross)           ? boundary - limits::kPrdBoundary
                             : wraps && like_silicon(Err::kPrdWrap) ? 0
                                                                    : boundary;
  if (rest == boundary) {
    return {Stretch{base, bytes}};
  }
  return {Stretch{base, boundary - base}, Stretch{rest, base + bytes - boundary}};
}

/// What a descriptor moves, as far as the rules let it. Without `moved`, as if LENGTH and card memory were without end.
Witness::Region Witness::region_of(const Setup& setup, std::uint64_t prd, std::optional<std::uint64_t> moved) const {
  const bool reserved = (prd & prd::kReserved) != 0 || ((prd & prd::kMark) != 0 && !setup.cyclic);
  const std::uint64_t unit = low_bits(card_.profile.granule_log2);
  std::uint64_t base = regs::field_get(prd::kBase, prd);
  std::uint64_t bytes = regs::field_get(prd::kCount, prd);
  if ((reserved && refuses(Err::kPrdReserved)) || ((base & unit) != 0 && refuses(Err::kPrdBaseAlign)) ||
      ((bytes & unit) != 0 && refuses(Err::kPrdCountAlign))) {
    return {};
  }
  base &= like_silicon(Err::kPrdBaseAlign) ? ~unit : ~std::uint64_t{0};
  bytes &= like_silicon(Err::kPrdCountAlign) ? ~unit : ~std::uint64_t{0};
  if (bytes == 0 && (refuses(Err::kPrdZero) || like_silicon(Err::kPrdZero))) {
    return {};
  }
  bytes = bytes == 0 ? limits::kPrdMaxBytes : bytes;
  Region region = split(base, bytes);
  if (!moved) {
    return region;
  }
  if (setup.length != 0 && *moved + bytes > setup.length) {
    if (refuses(Err::kLengthLong)) {
      return {};
    }
    if (!like_silicon(Err::kLengthLong)) {
      bytes = setup.length - *moved;
      region[0].bytes = std::min(region[0].bytes, bytes);
      region[1].bytes = std::min(region[1].bytes, bytes - region[0].bytes);
    }
  }
  const bool too_far = setup.card_address + *moved + bytes > card_.memory_size;
  return too_far && setup.endpoint == regs::Endpoint::kMemory && refuses(Err::kCardRange) ? Region{} : region;
}

bool Witness::is_blind(const Transfer& transfer) const {
  if (transfer.was_blind) {
    return true;
  }
  const std::uint64_t table = table_of(transfer.setup) / limits::kPrdBoundary * limits::kPrdBoundary;
  const std::uint64_t reach = limits::kPrdtLastResort * prd::kBytes + limits::kPrdBoundary;
  return card_.unseen(table, reach) || (table + reach > kAddressEnd && card_.unseen(0, table + reach - kAddressEnd));
}

bool Witness::data_is_due(unsigned channel, std::uint64_t address, std::uint64_t bytes) const {
  const Transfer& transfer = transfers_.at(channel);
  if (transfer.state != State::kGoing || bytes == 0 || is_blind(transfer)) {
    return transfer.state == State::kGoing && bytes != 0;
  }
  const auto so_far = moved(channel);
  const auto fits = [&](std::span<const std::uint8_t> raw) {
    return std::ranges::any_of(region_of(transfer.setup, little_endian(raw), so_far), [&](const Stretch& stretch) {
      // Only where nobody knows how much of LENGTH is left may it be less than the descriptor says.
      return address == stretch.address && (bytes == stretch.bytes || (!so_far && bytes < stretch.bytes));
    });
  };
  const auto descriptor = [](const Burst& burst, std::uint64_t at) {
    return std::span(burst.data).subspan(at, prd::kBytes);
  };
  if (const auto place = descriptor_at(transfer.setup, index(channel)); place && transfer.lap_is_known) {
    return std::ranges::any_of(transfer.read, [&](const Burst& burst) {
      return lies_in(*place, burst.address, burst.data.size()) && fits(descriptor(burst, *place - burst.address));
    });
  }
  return !transfer.lap_is_known && std::ranges::any_of(transfer.read, [&](const Burst& burst) {
    bool due = false;
    for (std::size_t at = 0; at + prd::kBytes <= burst.data.size() && !due; at += prd::kBytes) {
      due = fits(descriptor(burst, at));
    }
    return due;
  });
}

void Witness::begins(bool write, std::uint64_t address, std::uint64_t bytes) {
  card_.complaints.tell(
      [&] { return fmt::format("the card {} {} bytes at {:#x}", write ? "writes" : "reads", bytes, address); });
  bool due = false;
  std::vector<unsigned> fetching;
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    const Transfer& transfer = transfers_.at(channel);
    if (!card_.progress(channel).active) {
      continue;
    }
    if (transfer.queued) {
      due = due || transfer.state == State::kGoing;
      continue;
    }
    if (!write && fetch_is_due(channel, address, bytes)) {
      fetching.push_back(channel);
    }
    due = due || (write && is_one_of(blocks_of(transfer), address, bytes)) ||
          (write == transfer.setup.to_host && data_is_due(channel, address, bytes));
  }
  fetch(address, fetching, !due && fetching.size() == 1);
  if (!due && fetching.empty()) {
    card_.complaints.add(
        fmt::format("the card {} {} bytes at {:#x}, which no table says", write ? "writes" : "reads", bytes, address));
  }
}

void Witness::was_read(std::uint64_t address, std::span<const std::uint8_t> data, bool ok) {
  for (Transfer& transfer : transfers_) {
    if (transfer.fetching != address) {
      continue;
    }
    transfer.fetching.reset();
    // A refused descriptor reads all ones, where that is no error.
    Burst burst{.address = address,
                .data = ok ? std::vector(data.begin(), data.end())
                           : std::vector<std::uint8_t>(prd::kBytes, std::uint8_t{0xff})};
    if (std::ranges::find(transfer.read, burst) == transfer.read.end()) {
      transfer.read.push_back(std::move(burst));
    }
    if (transfer.setup.cyclic && transfer.read.size() > kMostBursts) {
      transfer.read.erase(transfer.read.begin());
    }
  }
}

void Witness::was_peeked(std::uint64_t address, std::span<const std::uint8_t> data) {
  bool due = false;
  for (unsigned channel = 0; channel < limits::kChannels; ++channel) {
    Transfer& transfer = transfers_.at(channel);
    due = due || (transfer.queued && transfer.state == State::kGoing);
    if (!transfer.queued && transfer.state == State::kGoing && data.size() == prd::kBytes && !transfer.setup.cyclic &&
        descriptor_at(transfer.setup, index(channel)) == address) {
      due = true;
      if (mode(Err::kPrdtEdited) == Mode::kIgnore) {
        transfer.read.push_back({.address = address, .data = std::vector(data.begin(), data.end())});
      }
    }
  }
  if (!due) {
    card_.complaints.add(fmt::format("the card looks at {} bytes at {:#x}, where no table is", data.size(), address));
  }
}

std::vector<Stretch> Witness::may_have_changed() const {
  std::vector<Stretch> stretches;
  for (const Transfer& transfer : transfers_) {
    if (transfer.state == State::kEnded) {
      continue;
    }
    if (is_blind(transfer)) {
      return {{.address = 0, .bytes = 2 * kAddressEnd}};
    }
    std::ranges::copy(blocks_of(transfer), std::back_inserter(stretches));
    for (const Burst& burst : transfer.read) {
      for (std::size_t at = 0; transfer.setup.to_host && at + prd::kBytes <= burst.data.size(); at += prd::kBytes) {
        const auto raw = std::span(burst.data).subspan(at, prd::kBytes);
        std::ranges::copy(region_of(transfer.setup, little_endian(raw), std::nullopt), std::back_inserter(stretches));
      }
    }
  }
  return stretches;
}

}  // namespace prd32::fuzz
