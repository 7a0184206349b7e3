// SPDX-License-Identifier: Apache-2.0
// Things to do later, in the time of the wall's clock, by the program's one loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "unique_fd.hpp"

namespace prd32 {

/// A number out of a request, as a time.
[[nodiscard]] inline std::chrono::milliseconds in_milliseconds(std::uint64_t count) {
  return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(count));
}

class Timers {
 public:
  using Action = std::function<void()>;
  using Id = std::uint64_t;

  /// More are not kept: what comes then is done at once.
  static constexpr std::size_t kMost = 4096;

  /// Throws std::runtime_error when the kernel has no timer.
  Timers();

  /// Readable when something is due: then call run().
  [[nodiscard]] int fd() const { return timer_.get(); }
  /// Does what is due.
  void run();
  /// Does it after that time; at once when that is none. The id is for cancel(); 0 is none.
  Id after(std::chrono::milliseconds time, Action action);
  /// Nothing when it has been done.
  void cancel(Id id);

 private:
  using Clock = std::chrono::steady_clock;

  void arm() const;

  UniqueFd timer_;
  std::map<std::pair<Clock::time_point, Id>, Action> due_;
  Id last_ = 0;
};

}  // namespace prd32
