// SPDX-License-Identifier: Apache-2.0
#include "negotiation.hpp"

#include <nlohmann/json.hpp>

#include "dma_map.hpp"
#include "transport.hpp"

namespace prd32 {
namespace {

using nlohmann::json;

constexpr const char* kMaxData = "max_data_xfer_size";

/// All that this server can do. The reply may name only what the client named, and QEMU, which gives the reply no more
/// room than its own message had, relies on that.
json own_capabilities() {
  return {{"max_msg_fds", kMaxMessageFds},
          {kMaxData, kMaxDataTransfer},
          {"max_dma_maps", kMaxDmaMappings},
          {"pgsizes", kDmaPageSize},
          {"write_multiple", true}};
}

bool same_kind(const json& a, const json& b) {
  return (a.is_number_unsigned() && b.is_number_unsigned()) || (a.is_boolean() && b.is_boolean());
}

}  // namespace

std::optional<Negotiated> negotiate(std::span<const std::byte> data) {
  Negotiated negotiated;
  if (data.empty()) {
    return negotiated;
  }
  if (data.size() > kMaxVersionData || data.back() != std::byte{0}) {
    return std::nullopt;
  }
  const auto* text = reinterpret_cast<const char*>(data.data());
  const json proposed = json::parse(text, text + data.size() - 1, nullptr, false);
  if (!proposed.is_object()) {
    return std::nullopt;
  }
  json accepted = json::object();
  if (const auto theirs = proposed.find("capabilities"); theirs != proposed.end()) {
    if (!theirs->is_object()) {
      return std::nullopt;
    }
    const json own = own_capabilities();
    for (const auto& [name, value] : own.items()) {
      const auto offer = theirs->find(name);
      if (offer == theirs->end()) {
        continue;
      }
      if (!same_kind(*offer, value)) {
        return std::nullopt;
      }
      if (name == kMaxData) {
        negotiated.client_max_data = offer->get<std::uint64_t>();
      }
      accepted[name] = value.is_boolean() ? json(value.get<bool>() && offer->get<bool>()) : value;
    }
  }
  if (negotiated.client_max_data == 0) {
    return std::nullopt;
  }
  negotiated.answer = json{{"capabilities", accepted}}.dump();
  return negotiated;
}

}  // namespace prd32
