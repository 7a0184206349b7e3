// SPDX-License-Identifier: Apache-2.0
// An open device file, shared by all handles that live in it.
#pragma once

#include <linux/prd32.h>

#include <chrono>
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

namespace prd32 {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;  ///< nothing: for ever

/// The file, and the outcomes that came out of it and were not asked for yet: the driver hands outcomes to whoever asks
/// next, whichever request they are of.
class Connection {
 public:
  Connection(System& system, int descriptor, std::string path)
      : system_(system), descriptor_(descriptor), path_(std::move(path)) {}
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

  /// A name for a request that no other one of this file has.
  std::uint64_t new_cookie();
  /// Waits for the outcome of a request that was accepted with this cookie; ETIMEDOUT at the deadline.
  Result<Outcome> outcome(std::uint64_t cookie, const Deadline& deadline);
  /// Takes the outcomes that the driver has now, so that it has room for other requests. An error when there are none.
  Result<void> drain();

 private:
  /// Fetches outcomes, at least one, for which it waits until the deadline. The lock must be free.
  Result<void> fetch(const Deadline& deadline);
  /// The same for whoever wants one of them, without the lock meanwhile; nobody else may be at it.
  Result<void> fetch_for_all(std::unique_lock<std::mutex>& lock, const Deadline& deadline);

  System& system_;
  int descriptor_;
  std::string path_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  bool fetching_ = false;  // one thread waits in the driver; the others wait for what it brings
  std::uint64_t last_cookie_ = 0;
  std::unordered_map<std::uint64_t, Outcome> outcomes_;
};

}  // namespace prd32
