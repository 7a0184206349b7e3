// SPDX-License-Identifier: Apache-2.0
// The buffers of a card's users with their addresses, as debugfs has them; with --all, registers and channels too.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "card_file.hpp"
#include "commands.hpp"

namespace prd32::ctl {
namespace {

constexpr const char* kDebugfs = "/sys/kernel/debug";

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  return lines;
}

// "physical 0x1000 size 4096" as members of an object; numbers that are not hexadecimal become numbers.
Json members_of(std::istringstream& words) {
  Json found = Json::object();
  for (std::string name, value; words >> name >> value;) {
    const bool decimal = value.find_first_not_of("0123456789") == std::string::npos;
    found[name] = decimal && (name == "size" || name == "length") ? Json(std::stoull(value)) : Json(value);
  }
  return found;
}

// A line with a buffer's kind and length, then one, indented, for each piece of its memory as the processor and as the
// card see it.
Json buffers_of(const std::vector<std::string>& lines) {
  Json buffers = Json::array();
  for (const std::string& line : lines) {
    std::istringstream words(line);
    if (!line.starts_with(' ')) {
      std::string kind;
      words >> kind;
      buffers.push_back({{"kind", kind}, {"processor", Json::array()}, {"card", Json::array()}});
      buffers.back().update(members_of(words));
    } else if (!buffers.empty()) {
      const Json piece = members_of(words);
      buffers.back()[piece.contains("dma") ? "card" : "processor"].push_back(piece);
    }
  }
  return buffers;
}

std::filesystem::path folder_of(const std::string& device) {
  const auto card = std::filesystem::path(function_folder(device)).filename();
  std::filesystem::path folder = std::filesystem::path(kDebugfs) / "prd32" / card;
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) {
    return folder;
  }
  if (error == std::errc::permission_denied) {
    throw Failure(kNotPermitted, fmt::format("cannot look at {}: only root may", folder.string()));
  }
  throw std::runtime_error(
      fmt::format("there is no {}; is debugfs mounted? As root: mount -t debugfs none {}", folder.string(), kDebugfs));
}

std::string pieces_as_text(const Json& pieces, const char* address) {
  std::string text;
  for (const Json& piece : pieces) {
    text += fmt::format("  {:<9} {}  {} bytes{}\n", address, piece.value(address, "?"), piece.value("size", 0ULL),
                        piece.contains("virtual") ? "  virtual " + piece["virtual"].get<std::string>() : "");
  }
  return text;
}

}  // namespace

Json run_addresses(const Context& context, bool all) {
  static_cast<void>(open_card_file(context.device, 0));  // says best what is missing
  const auto folder = folder_of(context.device);
  Json result = {{"device", context.device}, {"debugfs", folder.string()}};
  result["buffers"] = buffers_of(lines_of(folder / "addresses"));
  if (all) {
    result["channels"] = lines_of(folder / "channels");
    result["registers"] = lines_of(folder / "registers");
  }
  return result;
}

std::string show_addresses(const Json& result) {
  std::string text = fmt::format("{} buffers\n", result["buffers"].size());
  for (const Json& buffer : result["buffers"]) {
    text += fmt::format("{}, {} bytes\n", buffer["kind"].get<std::string>(), buffer.value("length", 0ULL));
    text += pieces_as_text(buffer["processor"], "physical") + pieces_as_text(buffer["card"], "dma");
  }
  for (const char* name : {"channels", "registers"}) {
    for (const Json& line : result.value(name, Json::array())) {
      text += line.get<std::string>() + "\n";
    }
  }
  return text;
}

}  // namespace prd32::ctl
