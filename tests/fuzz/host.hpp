// SPDX-License-Identifier: Apache-2.0
// A host whose memory has holes, whose bus takes its time, and who tells a witness of everything that it sees.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <systemc>
#include <tlm>
#include <vector>

namespace prd32::fuzz {

/// A stretch of memory.
struct Stretch {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
};

/// How a bus answers.
struct BusHabits {
  bool debug = false;     ///< it answers debug accesses
  bool waits = false;     ///< b_transport suspends the card for the delay, else it returns the delay
  bool promises = false;  ///< it says that direct access is there, also where it refuses that
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;

  bool delays() const { return !waits && delay != sc_core::SC_ZERO_TIME; }
};

class Host : public sc_core::sc_module {
 public:
  /// What a witness hears.
  struct Ears {
    std::function<void(bool write, std::uint64_t address, std::uint64_t bytes)> begins;  ///< a transaction
    std::function<void(std::uint64_t address, std::span<const std::uint8_t> data, bool ok)> was_read;
    std::function<void(std::uint64_t address, std::span<const std::uint8_t> data)> was_peeked;  ///< a debug access
  };

  tlm_utils::simple_target_socket<Host> socket;

  Host(const sc_core::sc_module_name& name, Ears ears);

  /// No memory, no habits.
  void clear();
  void set_habits(const BusHabits& habits) { habits_ = habits; }
  /// Memory filled with zeros; what was there is there no longer. An access must lie within one such piece.
  /// direct: the card gets a pointer to it.
  void map(std::uint64_t address, std::uint64_t bytes, bool writable, bool direct);
  /// The piece of that number, modulo how many there are.
  void unmap(std::size_t number);
  /// The processor writes, where memory is.
  void write(std::uint64_t address, std::span<const std::uint8_t> data);
  /// What is under way on the bus ends without effect.
  void cancel();

  unsigned under_way() const { return under_way_; }
  /// Whether the card can reach any of those bytes without the witness hearing of it.
  bool is_direct(std::uint64_t address, std::uint64_t bytes) const;
  /// A byte of direct memory that changed since the last look, by no transaction, and not in one of those stretches.
  std::optional<std::uint64_t> stray_change(const std::function<std::vector<Stretch>()>& may_change);

 private:
  struct Piece {
    std::vector<std::uint8_t> data;
    bool writable = false;
    std::vector<std::uint8_t> seen;  // as it was looked at last; empty when the memory is not direct
  };
  struct Place {
    std::uint64_t start;
    Piece* piece;
  };

  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned debug(tlm::tlm_generic_payload& payload);
  bool grant(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& granted);
  bool perform(bool write, std::uint64_t address, std::span<std::uint8_t> data);
  Place find(std::uint64_t address, std::uint64_t bytes);
  void erase(std::map<std::uint64_t, Piece>::iterator piece);

  Ears ears_;
  BusHabits habits_;
  std::map<std::uint64_t, Piece> pieces_;
  unsigned under_way_ = 0;
  std::uint64_t cancelled_ = 0;  // how often
};

}  // namespace prd32::fuzz
