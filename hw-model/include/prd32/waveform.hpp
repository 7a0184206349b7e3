// SPDX-License-Identifier: Apache-2.0
// What the card shows of itself over simulated time, as a VCD file for GTKWave and its like.
#pragma once

#include <string>
#include <systemc>

#include "prd32/card.hpp"

namespace prd32 {

/// Made after the card and before the simulation starts, ended before the card is. Time shows in the file only where
/// the simulation is: with a global quantum of 0.
class Waveform {
 public:
  /// Why no waveform can have this path: it must end in .vcd. "" when one can.
  static std::string refusal(const std::string& path);

  /// An empty path makes no file. Throws std::runtime_error when it cannot be written.
  Waveform(const std::string& path, const Card& card);
  Waveform(const Waveform&) = delete;
  Waveform& operator=(const Waveform&) = delete;
  Waveform(Waveform&&) = delete;
  Waveform& operator=(Waveform&&) = delete;
  ~Waveform();

  /// Simulated time goes on by one step of the file, in which what has changed last is written: at the end, and before
  /// what changes the card again at the same time, of which the file would show the last value alone. Outside of the
  /// simulation; nothing when there is no file.
  void step();

 private:
  sc_core::sc_trace_file* file_ = nullptr;
};

}  // namespace prd32
