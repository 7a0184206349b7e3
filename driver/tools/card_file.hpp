// SPDX-License-Identifier: Apache-2.0
// Opening a card, and saying what to do where that fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <prd32/device.hpp>
#include <span>
#include <string>

#include "system.hpp"

namespace prd32::ctl {

/// Opens a card for the library's calls. Throws Failure with kNoCard or kNotPermitted and advice, else what went wrong.
Device open_card(const std::string& path, OpenMode mode = OpenMode::kReadWrite);
/// Opens its device node for system calls; `flags` as open(2) has them. Throws the same, and Failure with kNoCard for
/// what is no card's node.
File open_card_file(const std::string& path, int flags);

/// Reads card memory, all that is asked for. Throws what the card or its driver says against it, and Mismatch when
/// there is less.
void read_all(const Device& card, std::uint64_t offset, std::span<std::byte> to);
/// Writes it, likewise.
void write_all(const Device& card, std::uint64_t offset, std::span<const std::byte> from);

/// The name of the device's folder below /sys/class/prd32.
std::string class_folder(const std::string& device);
/// The folder of the PCI function behind a device node, in sysfs.
std::string function_folder(const std::string& device);

}  // namespace prd32::ctl
