// SPDX-License-Identifier: Apache-2.0
#include "card_file.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <vector>

#include "context.hpp"
#include "pci_card.hpp"

namespace prd32::ctl {
namespace {

constexpr const char* kClass = "/sys/class/prd32";

std::vector<std::string> known_devices() {
  std::vector<std::string> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(kClass, none)) {
    found.push_back("/dev/" + entry.path().filename().string());
  }
  return found;
}

// There is no such node, or nothing behind it: from the module to the card, the first that is missing is to blame.
std::string why_no_card() {
  if (!std::filesystem::exists(kClass)) {
    return "the module is not loaded: modprobe prd32 (as root)";
  }
  if (const auto devices = known_devices(); !devices.empty()) {
    return fmt::format("there is {}; --device chooses", fmt::join(devices, ", "));
  }
  const auto cards = PciCard::all();
  if (cards.empty()) {
    return fmt::format("the module is loaded, but PCI shows no card: lspci -d {}", PciCard::id());
  }
  return fmt::format("the card at {} has {} driver: dmesg may say why", cards.front().address(),
                     cards.front().driver() ? "another" : "no");
}

// Not getgrgid(): a static program has no name services.
std::string group_name(unsigned id) {
  std::ifstream groups("/etc/group");
  for (std::string line; std::getline(groups, line);) {
    std::istringstream fields(line);
    std::string name;
    std::string password;
    std::string number;
    if (std::getline(fields, name, ':') && std::getline(fields, password, ':') && std::getline(fields, number, ':') &&
        number == std::to_string(id)) {
      return name;
    }
  }
  return std::to_string(id);
}

std::string why_not_permitted(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0 || status.st_gid == 0 || (status.st_mode & S_IRGRP) == 0) {
    return "only root may; the udev rule 60-prd32.rules (make install-user, then udevadm trigger -s prd32) opens it to "
           "a group";
  }
  return fmt::format("its group may: adduser USER {} (as root), then log in again", group_name(status.st_gid));
}

[[noreturn]] void explain(const std::string& path, int code, const std::string& text) {
  switch (code) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      throw Failure(kNoCard, fmt::format("{}; {}", text, why_no_card()), code);
    case EACCES:
    case EPERM:
      throw Failure(kNotPermitted, fmt::format("{}; {}", text, why_not_permitted(path)), code);
    case ENOTTY:
    case EPROTO:
      throw Failure(kNoCard, text, code);
    default:
      throw std::system_error(code, std::generic_category(), "cannot open " + path);
  }
}

}  // namespace

Device open_card(const std::string& path, OpenMode mode) {
  auto device = Device::open(path, mode);
  if (!device) {
    explain(path, device.error().code, device.error().text());
  }
  return std::move(device).value();
}

File open_card_file(const std::string& path, int flags) {
  try {
    File file(path, flags);
    function_folder(path);  // one letter away is the card's disk, which these commands would overwrite
    return file;
  } catch (const std::system_error& error) {
    explain(path, error.code().value(), error.what());
  }
}

// A count that is less than was asked for says that something is in the way, and only asking again says what.
void read_all(const Device& card, std::uint64_t offset, std::span<std::byte> to) {
  for (std::size_t done = 0; done < to.size();) {
    const std::size_t moved = card.read(offset + done, to.subspan(done)).value();
    if (moved == 0) {
      throw Mismatch(card.path() + " gave fewer bytes than it has");
    }
    done += moved;
  }
}

void write_all(const Device& card, std::uint64_t offset, std::span<const std::byte> from) {
  for (std::size_t done = 0; done < from.size();) {
    const std::size_t moved = card.write(offset + done, from.subspan(done)).value();
    if (moved == 0) {
      throw Mismatch(card.path() + " took fewer bytes than it has");
    }
    done += moved;
  }
}

std::string class_folder(const std::string& device) {
  // A name of udev's is a link to the node.
  return (std::filesystem::path(kClass) / std::filesystem::canonical(device).filename()).string();
}

std::string function_folder(const std::string& device) {
  if (!std::filesystem::exists(class_folder(device))) {
    throw Failure(kNoCard, device + " is no prd32 card");
  }
  return std::filesystem::canonical(class_folder(device) + "/device").string();
}

}  // namespace prd32::ctl
