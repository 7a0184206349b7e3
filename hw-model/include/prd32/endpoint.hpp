// SPDX-License-Identifier: Apache-2.0
// What a channel's bytes come from and go to, on the card: docs/datasheet.md, section 6.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <systemc>

#include "prd32/breaches.hpp"
#include "prd32/card_memory.hpp"
#include "prd32/loopback.hpp"
#include "prd32/pattern.hpp"
#include "prd32/register_file.hpp"
#include "prd32/rules.hpp"

namespace prd32 {

/// What a channel waits for before its descriptor can move: the event or the time, whichever it has.
struct EndpointWait {
  const sc_core::sc_event* event = nullptr;
  sc_core::sc_time time = sc_core::SC_ZERO_TIME;
};

/// One endpoint, for one transfer. It changes only when a descriptor was moved as a whole: fetch() only looks.
class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  virtual ~Endpoint() = default;

  /// Whether examine() and wait() ever do anything.
  bool paced() const { return paced_; }
  /// At a descriptor's turn, before wait(). now is simulated time.
  virtual std::optional<Fault> examine(const Position& at, const sc_core::sc_time& now);
  /// What to wait for before that many bytes can move; nothing when they can.
  virtual std::optional<EndpointWait> wait(std::uint64_t bytes, const sc_core::sc_time& now);
  /// The bytes themselves, where they lie in one piece that can be moved from and to; else empty.
  virtual std::span<std::uint8_t> in_place(std::uint64_t offset, std::uint64_t bytes);
  /// The next bytes for the host. offset counts from the start of card memory.
  virtual void fetch(std::uint64_t offset, std::span<std::uint8_t> out) = 0;
  /// Those bytes reached the host.
  virtual void fetched(std::uint64_t bytes);
  /// Bytes from the host.
  virtual void store(std::uint64_t offset, std::span<const std::uint8_t> in) = 0;

 protected:
  explicit Endpoint(bool paced) : paced_(paced) {}

 private:
  bool paced_ = false;
};

/// What endpoints work with; all outlive them.
struct EndpointParts {
  unsigned channel;
  RegisterFile& registers;
  Breaches& breaches;
  CardMemory& memory;
  Loopback& loopback;
};

/// The endpoint of a transfer. start: when START was written.
std::unique_ptr<Endpoint> make_endpoint(const Setup& setup, const EndpointParts& parts, const sc_core::sc_time& start);

}  // namespace prd32
