// SPDX-License-Identifier: Apache-2.0
// Every rule that a setup and a PRD table must keep, in one place: docs/datasheet.md, section 3.
#pragma once

#include <cstdint>
#include <optional>

#include "prd32/breaches.hpp"
#include "prd32/prd.hpp"
#include "prd32/profile.hpp"

namespace prd32 {

/// A transfer as START found it in the registers, and then as the rules let it be.
struct Setup {
  std::uint64_t table = 0;
  std::uint64_t card_offset = 0;
  std::uint64_t length = 0;     ///< 0: whatever the table describes
  std::uint64_t entries = 0;    ///< 0: EOT says it
  std::uint64_t writeback = 0;  ///< address of the status block
  regs::Endpoint endpoint = regs::Endpoint::kMemory;
  regs::PatternKind pattern = regs::PatternKind::kPrbs31;
  std::uint32_t pattern_seed = 0;
  std::uint32_t pattern_rate = 0;  ///< kB/s
  std::uint32_t pattern_fifo = 0;  ///< bytes
  bool to_host = false;
  bool cyclic = false;
  bool write_back = false;
  bool endpoint_missing = false;  ///< the endpoint does not go in this direction, and nobody minds
};

/// Where in its table a descriptor stands.
struct Position {
  std::uint64_t index = 0;       ///< counted from 0
  std::uint64_t descriptor = 0;  ///< its bus address
  std::uint64_t moved = 0;       ///< bytes that the descriptors before it moved, in this lap

  std::int64_t prd_index() const { return static_cast<std::int64_t>(index); }
};

/// What a descriptor moves, after the rules: one part, or two that do not lie behind one another.
struct Region {
  std::uint64_t base = 0;
  std::uint64_t bytes = 0;      ///< 0..limits::kPrdMaxBytes, both parts
  std::uint64_t head = 0;       ///< of them in the first part
  std::uint64_t rest_base = 0;  ///< where the second part begins, when there is one
  bool last = false;            ///< it was cut, and ends the table
};

/// How a table goes on behind a descriptor.
enum class Next : std::uint8_t { kDescriptor, kEndOfTable };

/// The rules of one channel, which depend on the card's profile. Each function looks for breaches in the order that the
/// data sheet gives, notes them, and returns a fault for the first that is in error.
class Rules {
 public:
  /// All must outlive the rules. memory_size is card memory's, bytes.
  Rules(unsigned channel, const Profile& profile, std::uint64_t memory_size, Breaches& breaches)
      : channel_(channel), profile_(profile), memory_size_(memory_size), breaches_(breaches) {}

  /// Before anything is fetched.
  std::optional<Fault> examine_setup(Setup& setup);
  /// Where the descriptor of at.index lies: fills in at.descriptor.
  std::optional<Fault> locate(const Setup& setup, Position& at);
  /// Before a descriptor is executed: what it moves.
  std::optional<Fault> examine(const Setup& setup, const Prd& prd, const Position& at, Region& region);
  /// After a descriptor was executed and counted in at.moved: whether there is another.
  std::optional<Fault> examine_end(const Setup& setup, const Prd& prd, const Position& at, Next& next);

 private:
  std::optional<Fault> examine_status_block(Setup& setup);
  std::optional<Fault> examine_endpoint(Setup& setup);
  std::optional<Fault> examine_table(Setup& setup);
  std::optional<Fault> examine_told_entries(Setup& setup);
  std::optional<Fault> keep_in_block(const Setup& setup, Position& at);
  std::optional<Fault> examine_unit(regs::Err code, const Position& at, const Region& region, std::uint64_t& value);
  std::optional<Fault> examine_fields(const Setup& setup, const Prd& prd, const Position& at, Region& region);
  std::optional<Fault> examine_boundaries(const Position& at, Region& region);
  std::optional<Fault> examine_length(const Setup& setup, const Position& at, Region& region);
  std::optional<Fault> examine_eot(const Setup& setup, const Position& at);
  std::uint64_t allowed_entries() const { return std::uint64_t{1} << profile_.entries_log2; }

  unsigned channel_;
  const Profile& profile_;
  std::uint64_t memory_size_;
  Breaches& breaches_;
};

}  // namespace prd32
