// SPDX-License-Identifier: Apache-2.0
// An open device file, shared by all handles that live in it.
#pragma once

#include <linux/prd32.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <prd32/request.hpp>
#include <prd32/result.hpp>
#include <prd32/system.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "deadline.hpp"

namespace prd32 {

/// The file, and the requests whose outcomes nobody has asked for yet: the driver hands outcomes to whoever asks next,
/// whichever request they are of.
///
/// Outcomes are taken from the driver with the lock held, by whoever looks, so that what it has handed out is always to
/// be found here. One thread at a time waits for the file to become readable, without the lock; the others wait for
/// that one.
class Connection {
 public:
  /// `nudge`: an event of its own.
  Connection(System& system, int descriptor, std::string path, Event nudge)
      : system_(system), descriptor_(descriptor), path_(std::move(path)), nudge_(std::move(nudge)) {}
  ~Connection() { system_.close(descriptor_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] System& system() const { return system_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// `what`: as "cannot reset the card"; the device's name is added.
  Result<void> ioctl(unsigned long request, void* argument, std::string_view what) const {
    const int result = system_.ioctl(descriptor_, request, argument);
    return result < 0 ? Result<void>(error(-result, what)) : Result<void>();
  }
  /// The same, with the size that all arguments begin with.
  template <typename Argument>
  Result<void> call(unsigned long request, Argument& argument, std::string_view what) const {
    argument.size = sizeof argument;
    return ioctl(request, &argument, what);
  }
  /// An error of this device.
  [[nodiscard]] Error error(int code, std::string_view what) const {
    return {.code = code, .what = path_ + ": " + std::string(what)};
  }

  /// A name for a request that no other one of this file has, and which has an outcome to come.
  std::uint64_t new_cookie();
  /// There will be no outcome, or nobody wants it.
  void forget(std::uint64_t cookie);
  /// Whether there is an outcome to come, or to be asked for.
  [[nodiscard]] bool awaits(std::uint64_t cookie);
  /// Waits for the outcome of a request, and gives it once: then EINVAL. ETIMEDOUT at the deadline.
  Result<Outcome> outcome(std::uint64_t cookie, const Deadline& deadline);
  /// Takes the outcomes that the driver has now, so that it has room for other requests. Whether there were any.
  bool make_room();

 private:
  /// Takes what the driver has, without waiting; false: nothing. The lock must be held.
  Result<bool> take();
  /// Waits until there may be more to take, or the deadline. The lock must be held, and is not meanwhile.
  Result<void> wait_for_more(std::unique_lock<std::mutex>& lock, const Deadline& deadline);

  System& system_;
  int descriptor_;
  std::string path_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  Event nudge_;           // wakes who waits for the file
  bool waiting_ = false;  // somebody does
  bool hung_up_ = false;  // the card has left
  std::uint64_t last_cookie_ = 0;
  std::unordered_map<std::uint64_t, std::optional<Outcome>> requests_;  // no outcome: under way
};

}  // namespace prd32
