// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace prd32 {

/// Longest version data that is looked at, bytes; real clients send some 200.
inline constexpr std::size_t kMaxVersionData = 4096;

/// Answers the version data of VFIO_USER_VERSION: the same capabilities as far as this server has them, with its own
/// limits, as JSON text without the terminating NUL. Empty when the client sent none. Nothing when the data is no
/// NUL-terminated JSON object, or a capability in it is of the wrong type.
[[nodiscard]] std::optional<std::string> answer_capabilities(std::span<const std::byte> data);

}  // namespace prd32
