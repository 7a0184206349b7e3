// SPDX-License-Identifier: Apache-2.0
// What the data sheet says that comes out of a case.
#pragma once

#include <string_view>

#include "case.hpp"
#include "memory.hpp"
#include "outcome.hpp"
#include "paper_card.hpp"

namespace prd32::oracle {

struct Question {
  Limits limits{};
  Err wrong = Err::kNone;  ///< a rule that the oracle shall be wrong about
};

/// The outcome of the case on a card of that kind, after power-up. host and memory hold what the case begins with, and
/// then what it ends with. Returns why the data sheet does not determine the outcome; "" when it does.
std::string_view foretell(const CardKind& kind, const Case& scene, const Question& question, HostMemory& host,
                          CardImage& memory, Outcome& outcome);

}  // namespace prd32::oracle
