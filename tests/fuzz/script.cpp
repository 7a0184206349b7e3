// SPDX-License-Identifier: Apache-2.0
#include "script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace prd32::fuzz {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Action::kCount)> kNames{
    "write-register", "read-register", "access", "window",   "start", "stop", "reset-channel",
    "reset-card",     "map",           "unmap",  "describe", "poke",  "run",  "queue"};

}  // namespace

std::string describe(const Record& record) {
  return fmt::format("{} a={:#x} b={:#x} c={:#x} x={:#x} y={:#x}", kNames.at(record.action % kNames.size()), record.a,
                     record.b, record.c, record.x, record.y);
}

Script decode(std::span<const std::uint8_t> bytes) {
  Script script;
  if (bytes.size() < sizeof(Header)) {
    return script;
  }
  std::memcpy(&script.header, bytes.data(), sizeof(Header));
  const std::span<const std::uint8_t> rest = bytes.subspan(sizeof(Header));
  script.records.resize(std::min(rest.size() / sizeof(Record), kMaxRecords));
  if (!script.records.empty()) {
    std::memcpy(script.records.data(), rest.data(), script.records.size() * sizeof(Record));
  }
  return script;
}

std::size_t encode(const Script& script, std::span<std::uint8_t> out) {
  std::memcpy(out.data(), &script.header, sizeof(Header));
  const std::size_t bytes = script.records.size() * sizeof(Record);
  if (bytes != 0) {
    std::memcpy(out.subspan(sizeof(Header)).data(), script.records.data(), bytes);
  }
  return sizeof(Header) + bytes;
}

}  // namespace prd32::fuzz
