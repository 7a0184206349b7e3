// SPDX-License-Identifier: Apache-2.0
// Every rule that a PRD table must keep, in one place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "prd32/prd.hpp"
#include "prd32/registers.hpp"

namespace prd32 {

/// Why a transfer stops: what ERROR, ERROR_INDEX and ERROR_ADDR report, and the violation log records.
struct Fault {
  regs::Err code = regs::Err::kNone;
  std::int64_t prd_index = -1;  ///< -1: no descriptor is at fault
  std::uint64_t address = 0;    ///< as the code's entry in the register map says
  std::string detail;
};

/// Where in its transfer a descriptor stands.
struct Position {
  std::uint32_t index = 0;        ///< of the descriptor, counted from 0
  std::uint64_t descriptor = 0;   ///< its bus address
  std::uint64_t card_offset = 0;  ///< where its region lies in card memory
  std::uint64_t moved = 0;        ///< bytes that the descriptors before it described
  std::uint64_t length = 0;       ///< the LENGTH register: 0 means any
};

/// The rules of one card, which depend on its configuration.
class Rules {
 public:
  Rules(unsigned granule_log2, std::uint64_t memory_size);

  /// Before anything is fetched.
  static std::optional<Fault> check_table(std::uint64_t prdt);
  /// Before a descriptor is executed. Breaches are looked for in the order reserved bits, granule, wrap at 4 GiB,
  /// 64 KiB boundary, LENGTH exceeded, card memory exceeded; the first is reported.
  std::optional<Fault> check_prd(const Prd& prd, const Position& at) const;
  /// After the descriptor with EOT was executed; at.moved then counts it.
  static std::optional<Fault> check_end(const Position& at);
  /// When the last descriptor that a table may have was executed and has no EOT.
  static Fault missing_eot(const Position& at);

 private:
  std::uint64_t granule_;
  std::uint64_t memory_size_;
};

}  // namespace prd32
