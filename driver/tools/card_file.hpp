// SPDX-License-Identifier: Apache-2.0
// Opening a card, and saying what to do where that fails.
#pragma once

#include <prd32/device.hpp>
#include <string>

#include "system.hpp"

namespace prd32::ctl {

/// Opens a card for the library's calls. Throws Failure with kNoCard or kNotPermitted and advice, else what went wrong.
Device open_card(const std::string& path, OpenMode mode = OpenMode::kReadWrite);
/// Opens its device node for system calls; `flags` as open(2) has them. Throws the same.
File open_card_file(const std::string& path, int flags);

/// The name of the device's folder below /sys/class/prd32.
std::string class_folder(const std::string& device);
/// The folder of the PCI function behind a device node, in sysfs.
std::string function_folder(const std::string& device);

}  // namespace prd32::ctl
