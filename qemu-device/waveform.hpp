// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <systemc>

#include "prd32/card.hpp"

namespace prd32 {

/// What the card shows of itself over simulated time, as a VCD file. Made before the simulation starts, ended before
/// the card is.
class Waveform {
 public:
  /// `path` ends in .vcd; an empty one makes no file. Throws std::runtime_error when it cannot be written.
  Waveform(const std::string& path, const Card& card);
  Waveform(const Waveform&) = delete;
  Waveform& operator=(const Waveform&) = delete;
  ~Waveform();

 private:
  sc_core::sc_trace_file* file_ = nullptr;
};

}  // namespace prd32
