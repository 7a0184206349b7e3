// SPDX-License-Identifier: Apache-2.0
// Registers, fields and codes by the names of the register map.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "prd32/registers.hpp"

namespace prd32::scenario {

/// What an access to the card's address space goes to.
struct Place {
  std::string name;                     ///< "BM_PRDT[0]", "BM_PRDT[0]+2", or the offset
  std::uint32_t offset = 0;             ///< in the card's address space, bytes
  unsigned bytes = 0;                   ///< what the access covers
  const regs::Register* reg = nullptr;  ///< when the access covers exactly one register
};

/// The register of that name, in the instance of that channel; a register that there is only one of has no channel, and
/// others belong to channel 0 when none is said. Throws std::invalid_argument that says what is allowed. name may end
/// with +1, +2 or +3: the place so many bytes into the register; bytes is 0 for all bytes from there on.
Place find_place(std::string_view name, std::optional<unsigned> channel, unsigned bytes);

/// A value that is written as fields: "START|TO_HOST", "ENDPOINT=PATTERN|CYCLIC", "COUNT=3". A field of one bit needs
/// no value. Throws std::invalid_argument that says what is allowed.
std::uint32_t value_of_fields(const regs::Register& reg, std::string_view text);
/// All bits of the fields: "INTERRUPT|ERROR".
std::uint32_t mask_of_fields(const regs::Register& reg, std::string_view text);

/// "0x00000006 INTERRUPT|ERROR"
std::string value_text(const Place& place, std::uint32_t value);

/// Every register, field and code, as a table for people.
std::string list_registers();

}  // namespace prd32::scenario
