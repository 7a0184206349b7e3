// SPDX-License-Identifier: Apache-2.0
// Function-level reset of the card.
#include <cerrno>

#include "card_file.hpp"
#include "commands.hpp"
#include "context.hpp"
#include "system.hpp"

namespace prd32::ctl {
Json run_reset(const Context& context) {
  const Device card = open_card(context.device);
  const Stopwatch watch;
  const Result<void> done = card.reset();
  if (!done && done.error().code == EPERM) {
    throw Failure(kNotPermitted, done.error().text() + "; it disturbs everybody, so that only root (CAP_SYS_ADMIN) may",
                  EPERM);
  }
  if (!done && done.error().code == EAGAIN) {
    throw std::runtime_error(done.error().text() + "; it is reset, asleep or leaving already: try again");
  }
  done.value();
  return {{"device", context.device}, {"seconds", watch.seconds()}};
}

}  // namespace prd32::ctl
