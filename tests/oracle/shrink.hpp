// SPDX-License-Identifier: Apache-2.0
// Makes a case small without losing what is wrong with it.
#pragma once

#include <functional>

#include "case.hpp"

namespace prd32::oracle {

/// Leaves out and simplifies what can be while fails() stays true of the case. Ends when nothing more can be left out,
/// or after many tries. plainest: the card that is preferred.
Case shrink(Case scene, unsigned plainest, const std::function<bool(const Case&)>& fails);

}  // namespace prd32::oracle
