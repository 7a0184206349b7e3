// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <prd32/registers.hpp>

#include "commands.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

constexpr const char* kParameters = "/sys/module/prd32/parameters";

// MSI-X and MSI both list their vectors here; only the mode tells them apart.
Json interrupts(const std::string& function) {
  const std::string folder = function + "/msi_irqs";
  if (!std::filesystem::exists(folder)) {
    return {{"mode", "intx"}, {"vectors", 1}};
  }
  unsigned vectors = 0;
  std::string mode;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    mode = read_text(entry.path().string());
    ++vectors;
  }
  return {{"mode", mode}, {"vectors", vectors}};
}

}  // namespace

Json info(const std::string& device) {
  const File card(device, O_RDONLY);
  const off_t size = lseek(card.get(), 0, SEEK_END);
  if (size < 0) {
    fail("cannot ask for the size of " + device);
  }
  const std::string name = std::filesystem::path(device).filename().string();
  const std::string function = std::filesystem::canonical("/sys/class/prd32/" + name + "/device").string();
  Json parameters;
  for (const auto& entry : std::filesystem::directory_iterator(kParameters)) {
    parameters[entry.path().filename().string()] = read_text(entry.path().string());
  }
  return {{"device", device},
          {"memory_bytes", size},
          {"pci", std::filesystem::path(function).filename().string()},
          {"id", hex(pci::kVendorId) + ":" + hex(pci::kDeviceId)},
          {"interrupts", interrupts(function)},
          {"parameters", parameters}};
}

}  // namespace prd32::ctl
