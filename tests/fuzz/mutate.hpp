// SPDX-License-Identifier: Apache-2.0
// Scripts made from scripts: records stay whole, and what is put in has a chance to mean something.
#pragma once

#include <cstdint>
#include <random>

#include "script.hpp"

namespace prd32::fuzz {

using Random = std::minstd_rand;

/// Changes one thing or a few.
void mutate(Script& script, Random& random);
/// The beginning of one and the end of another.
Script cross(const Script& one, const Script& other, Random& random);

}  // namespace prd32::fuzz
