// SPDX-License-Identifier: Apache-2.0
// A transfer that nobody waits for yet, and an event that says that one ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <prd32/result.hpp>
#include <prd32/transfer.hpp>
#include <utility>

namespace prd32 {

class Connection;

/// A transfer that the driver accepted. Keeps the device open. Several threads may wait for it and abort it at once, of
/// whom one gets the outcome.
///
/// At the end of its life it is aborted if it is still under way, and waited for: the driver never touches memory of
/// the caller that the caller has given up. Memory of the caller must stay mapped for as long as the Request lives.
class Request {
 public:
  Request(Request&& other) noexcept : connection_(std::move(other.connection_)), cookie_(other.cookie_) {}
  Request& operator=(Request&& other) noexcept;
  ~Request();

  /// Its name with the driver, unique in its Device.
  [[nodiscard]] std::uint64_t cookie() const { return cookie_; }

  /// Waits until it ended. How it ended is in the Outcome; an Error means that nobody knows: ENODEV when the card is
  /// gone together with its results, EINVAL when the outcome was fetched before.
  [[nodiscard]] Result<Outcome> wait();
  /// The same for at most `limit`: then ETIMEDOUT, and it may be waited for again.
  [[nodiscard]] Result<Outcome> wait(std::chrono::nanoseconds limit);
  /// Its outcome if it has ended, else nothing.
  [[nodiscard]] Result<std::optional<Outcome>> poll();
  /// Tells it to end. It still has an outcome, with ECANCELED unless it succeeded all the same. ENOENT when it has
  /// ended.
  Result<void> abort();

 private:
  friend class Device;
  Request(std::shared_ptr<Connection> connection, std::uint64_t cookie)
      : connection_(std::move(connection)), cookie_(cookie) {}
  [[nodiscard]] Result<Outcome> outcome_by(const std::optional<std::chrono::steady_clock::time_point>& deadline) const;
  void finish() noexcept;

  std::shared_ptr<Connection> connection_;  // null when it was moved away
  std::uint64_t cookie_;
};

/// An eventfd(2), which the driver adds 1 to when a transfer ended that was submitted with it. For poll(2), or:
class Event {
 public:
  static Result<Event> create();
  Event(Event&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Event& operator=(Event&& other) noexcept;
  ~Event();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// Waits for at most `limit` until at least one transfer ended, and returns how many did since the last call;
  /// ETIMEDOUT when none did.
  [[nodiscard]] Result<std::uint64_t> wait(std::chrono::milliseconds limit) const;

 private:
  explicit Event(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace prd32
