// SPDX-License-Identifier: Apache-2.0
// Eventfds that a client sent. They are shared with it, and may be blocking ones that it fills or empties at any
// moment.
#pragma once

namespace prd32 {

/// Any other kind of descriptor could block the one thread, or be written into.
[[nodiscard]] bool is_eventfd(int fd);

/// Adds one event. True also when the counter is full: then whoever reads it has an event already.
[[nodiscard]] bool signal_event(int fd);

/// Takes the events that are there. False when there are none.
[[nodiscard]] bool take_events(int fd);

}  // namespace prd32
