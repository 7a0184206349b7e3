// SPDX-License-Identifier: Apache-2.0
// A process's own time, which may run ahead of the simulation's: TLM-2.0's temporal decoupling.
#pragma once

#include <systemc>
#include <tlm>

namespace prd32 {

/// What the project's own programs set tlm_global_quantum to, microseconds, unless somebody wants to see what happens
/// when: some descriptors of 4 KiB. Much more would let a transfer that is being stopped run on.
inline constexpr unsigned kQuantumUs = 10;

/// How far a process is ahead of sc_time_stamp(). It may be so by the global quantum (tlm_global_quantum); 0 is none.
class LocalClock {
 public:
  sc_core::sc_time now() const { return sc_core::sc_time_stamp() + offset_; }
  const sc_core::sc_time& offset() const { return offset_; }
  void set_offset(const sc_core::sc_time& offset) { offset_ = offset; }
  void add(const sc_core::sc_time& time) { offset_ += time; }
  /// Moves on to that time; does nothing when it has passed already.
  void advance_to(const sc_core::sc_time& time) {
    if (time > now()) {
      offset_ = time - sc_core::sc_time_stamp();
    }
  }
  /// Whether the process has to let the simulation catch up.
  bool due() const { return offset_ > tlm::tlm_global_quantum::instance().get(); }

 private:
  sc_core::sc_time offset_ = sc_core::SC_ZERO_TIME;
};

}  // namespace prd32
