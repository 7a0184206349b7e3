// SPDX-License-Identifier: Apache-2.0
// What can be seen of a card that a case was done to, and where two such views differ.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "prd32/registers.hpp"

namespace prd32::oracle {

using regs::Err;

/// The code of the rule of that name; kNone when there is none.
Err code_of(std::string_view rule);

/// The place of the rule's entry in tables by code.
constexpr std::size_t number_of(Err code) {
  return static_cast<std::size_t>(code);
}

struct Breach {
  Err code = Err::kNone;
  bool error = false;       ///< severity "error", else "warning"
  std::int64_t index = -1;  ///< of the descriptor at fault; -1: none is
  std::uint64_t address = 0;
  bool operator==(const Breach&) const = default;
};

/// How the card answered an access. The value of a write is 0.
struct Answer {
  bool accepted = false;
  std::uint32_t value = 0;
  bool operator==(const Answer&) const = default;
};

struct Outcome {
  std::vector<Answer> answers;                                  ///< of each read and write
  std::vector<unsigned> lines;                                  ///< after each run: bit n is the level of vector n
  std::array<std::vector<Breach>, limits::kChannels> breaches;  ///< in their order
  std::array<std::uint32_t, regs::kTable.size()> registers{};   ///< at the end, as regs::kTable has them
  bool operator==(const Outcome&) const = default;

  void clear();
};

/// One line for each difference.
std::vector<std::string> differences(const Outcome& model, const Outcome& oracle);

/// The outcome as text; registers that hold their reset value are left out.
std::string describe(const Outcome& outcome);

/// "BM_PRDT1+2", or "0xff8" where no register is.
std::string name_of(std::uint32_t offset);

}  // namespace prd32::oracle
