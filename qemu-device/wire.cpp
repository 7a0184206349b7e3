// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <array>

namespace prd32::wire {

const char* command_name(std::uint16_t command) {
  static constexpr std::array<const char*, kCommands> kNames = {
      "unknown",      "version",        "dma_map",       "dma_unmap",     "device_get_info",
      "region_info",  "region_io_fds",  "irq_info",      "set_irqs",      "region_read",
      "region_write", "dma_read",       "dma_write",     "device_reset",  "dirty_pages",
      "write_multi",  "device_feature", "mig_data_read", "mig_data_write"};
  return command < kNames.size() ? kNames[command] : kNames[0];
}

}  // namespace prd32::wire
