// SPDX-License-Identifier: Apache-2.0
// Whose turn it is: the channels share one engine, a descriptor at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <systemc>

#include "prd32/registers.hpp"

namespace prd32 {

/// Round robin. The one who waits hears by the event of its own that it was given the engine.
class Arbiter {
 public:
  /// given is notified when the channel, which was waiting, gets the engine.
  void attach(unsigned channel, sc_core::sc_event& given) { given_[channel] = &given; }

  /// Asks for the engine. True when the channel has it; false when it is in the queue from now on.
  bool request(unsigned channel) {
    if (!holder_) {
      holder_ = channel;
    }
    waiting_[channel] = holder_ != channel;
    return holder_ == channel;
  }
  bool holds(unsigned channel) const { return holder_ == channel; }
  /// Whether another channel waits for this one to let go.
  bool contended() const {
    return std::ranges::any_of(waiting_, [](bool waits) { return waits; });
  }
  /// Lets go of the engine, or of the place in the queue. The next one after this channel gets it.
  void release(unsigned channel) {
    waiting_[channel] = false;
    if (holder_ != channel) {
      return;
    }
    holder_.reset();
    for (unsigned step = 1; step < limits::kChannels; ++step) {
      const unsigned next = (channel + step) % limits::kChannels;
      if (waiting_[next]) {
        waiting_[next] = false;
        holder_ = next;
        given_[next]->notify(sc_core::SC_ZERO_TIME);
        return;
      }
    }
  }

 private:
  std::array<sc_core::sc_event*, limits::kChannels> given_{};
  std::array<bool, limits::kChannels> waiting_{};
  std::optional<unsigned> holder_;
};

}  // namespace prd32
