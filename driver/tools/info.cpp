// SPDX-License-Identifier: Apache-2.0
// What the card and its driver are: from the driver, and from sysfs.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "card_file.hpp"
#include "commands.hpp"
#include "context.hpp"
#include "pci_card.hpp"
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

Json limits_of(const Info& info) {
  return {{"max_request", info.max_request}, {"granule", info.granule},   {"dma_alignment", info.dma_alignment},
          {"max_prds", info.max_prds},       {"channels", info.channels}, {"max_results", info.max_results}};
}

Json features_of(const Info& info) {
  return {{"cyclic", info.cyclic}, {"writeback", info.writeback}, {"endpoints", info.endpoints}};
}

}  // namespace

// With any driver, also one without the library's calls: this is what one runs when nothing else works.
Json run_info(const Context& context) {
  const File file = open_card_file(context.device, O_RDONLY);
  const off_t size = lseek(file.get(), 0, SEEK_END);
  if (size < 0) {
    fail("cannot ask for the size of " + context.device);
  }
  const std::string function = function_folder(context.device);
  Json parameters;
  for (const auto& entry : std::filesystem::directory_iterator(kParameters)) {
    parameters[entry.path().filename().string()] = read_text(entry.path().string());
  }
  Json found = {{"device", context.device},
                {"memory_bytes", size},
                {"pci", std::filesystem::path(function).filename().string()},
                {"id", PciCard::id()},
                {"interrupts", interrupts(function)},
                {"parameters", parameters}};
  const auto card = Device::open(context.device, OpenMode::kRead);
  found["uapi_version"] = card ? Json(card->info().uapi_version) : Json(nullptr);
  if (card) {
    found["limits"] = limits_of(card->info());
    found["features"] = features_of(card->info());
  }
  return found;
}

}  // namespace prd32::ctl
