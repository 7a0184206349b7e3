// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace prd32 {

/// Longest version data that is looked at, bytes; real clients send some 200.
inline constexpr std::size_t kMaxVersionData = 4096;

/// The most data that a client takes in one message when it does not say, bytes.
inline constexpr std::uint64_t kDefaultMaxData = 1 << 20;

struct Negotiated {
  std::string answer;                               ///< JSON text without the terminating NUL; empty: no data
  std::uint64_t client_max_data = kDefaultMaxData;  ///< 1 or more
};

/// Answers the version data of VFIO_USER_VERSION: the same capabilities as far as this server has them, with its own
/// limits. The answer is empty when the client sent none. Nothing when the data is no NUL-terminated JSON object, or a
/// capability in it is of the wrong type or impossible.
[[nodiscard]] std::optional<Negotiated> negotiate(std::span<const std::byte> data);

}  // namespace prd32
