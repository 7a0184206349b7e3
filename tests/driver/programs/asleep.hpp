// SPDX-License-Identifier: Apache-2.0
// Children that are to be in a call before something happens.
#pragma once

#include <sys/types.h>

#include <source_location>

namespace prd32::uapi_test {

/// Waits until a child sleeps, which makes one call that waits and nothing else; fails after ten seconds.
void expect_asleep(pid_t child, const std::source_location& at = std::source_location::current());

}  // namespace prd32::uapi_test
