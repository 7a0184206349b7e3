// SPDX-License-Identifier: Apache-2.0
// What a card's rules are switched to, and the limits that go with them.
#pragma once

#include <optional>
#include <string>

#include "prd32/registers.hpp"

namespace prd32 {

using Profile = regs::Profile;

/// What the rule behind this code is switched to.
constexpr regs::Mode mode_of(const Profile& profile, regs::Err code) {
  return profile.modes[static_cast<std::size_t>(code)];
}

/// "error", "silicon", "ignore" or "off".
std::string_view mode_name(regs::Mode mode);

/// Why no card can have this profile (a limit out of range, a rule switched to what it cannot be), and what is allowed;
/// nothing when one can.
std::optional<std::string> refusal(const Profile& profile);

/// A built-in profile by its name, or else the profile in the TOML file of that name (docs/datasheet.md, section 4).
/// Throws std::runtime_error that says what is wrong, in a file with its line.
Profile load_profile(const std::string& name_or_file);

}  // namespace prd32
