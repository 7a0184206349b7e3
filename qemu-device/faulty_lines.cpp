// SPDX-License-Identifier: Apache-2.0
// What befalls interrupts: the card's lines on their way to the world.
#include "faulty_bus.hpp"

namespace prd32 {

/// A line rises.
void FaultyBus::befall_interrupt(unsigned vector) {
  const Transaction transaction{.kind = TransactionKind::kInterrupt, .vector = static_cast<int>(vector)};
  const unsigned rise = ++lines_[vector].rises;
  for (const FaultRules::Firing& firing : rules_.decide(transaction)) {
    tell("fired", firing, transaction);
    const auto delay = in_milliseconds(firing.rule.delay_ms);
    switch (firing.rule.fault) {
      case FaultKind::kDrop:
        lines_[vector].withheld = rise;
        break;
      case FaultKind::kLate:
        lines_[vector].withheld = rise;
        timers_.after(delay, [this, vector, rise] {
          if (lines_[vector].withheld == rise) {
            lines_[vector].withheld = 0;
            step_.notify(sc_core::SC_ZERO_TIME);
          } else {
            raise(vector);  // its cause is gone by now
          }
        });
        break;
      case FaultKind::kDuplicate:
        timers_.after(delay, [this, vector] { raise(vector); });
        break;
      default:
        befall_anything(firing, transaction);
    }
  }
}

void FaultyBus::drive_lines() {
  bool again = false;
  bool risen = false;
  for (unsigned vector = 0; vector < lines_.size(); ++vector) {
    Line& line = lines_[vector];
    const bool high = card_irq[vector].read();
    const bool changed = high != line.high;
    line.high = high;
    if (changed && !high) {
      line.withheld = 0;
    } else if (changed && presence_ == Presence::kPresent) {
      risen = true;
      befall_interrupt(vector);
    }
    // A change is seen for itself before the line is inverted for a step, and is let go again.
    if (line.toggles != 0 && !changed) {
      --line.toggles;
    }
    again = again || line.toggles != 0 || changed;
    const bool level = line.high && line.withheld == 0;
    irq[vector].write(presence_ == Presence::kPresent && level != (line.toggles % 2 == 1));
  }
  if (again) {
    step_.notify(sc_core::SC_ZERO_TIME);
  }
  if (risen && !armed_.empty()) {
    watch_errors();
  }
}

}  // namespace prd32
