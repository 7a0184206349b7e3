// SPDX-License-Identifier: Apache-2.0
#include "host.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace prd32::fuzz {

Host::Host(const sc_core::sc_module_name& name, Ears ears) : sc_module(name), socket("socket"), ears_(std::move(ears)) {
  socket.register_b_transport(this, &Host::transport);
  socket.register_transport_dbg(this, &Host::debug);
  socket.register_get_direct_mem_ptr(this, &Host::grant);
}

void Host::clear() {
  socket->invalidate_direct_mem_ptr(0, ~std::uint64_t{0});
  pieces_.clear();
  habits_ = {};
}

void Host::erase(std::map<std::uint64_t, Piece>::iterator piece) {
  socket->invalidate_direct_mem_ptr(piece->first, piece->first + piece->second.data.size() - 1);
  pieces_.erase(piece);
}

void Host::map(std::uint64_t address, std::uint64_t bytes, bool writable, bool direct) {
  for (auto piece = pieces_.begin(); piece != pieces_.end();) {
    const auto next = std::next(piece);
    if (piece->first < address + bytes && address < piece->first + piece->second.data.size()) {
      erase(piece);
    }
    piece = next;
  }
  pieces_[address] = {.data = std::vector<std::uint8_t>(bytes),
                      .writable = writable,
                      .seen = std::vector<std::uint8_t>(direct ? bytes : 0)};
}

void Host::unmap(std::size_t number) {
  if (!pieces_.empty()) {
    erase(std::next(pieces_.begin(), static_cast<std::ptrdiff_t>(number % pieces_.size())));
  }
}

Host::Place Host::find(std::uint64_t address, std::uint64_t bytes) {
  const auto after = pieces_.upper_bound(address);
  if (after == pieces_.begin()) {
    return {.start = 0, .piece = nullptr};
  }
  auto& [start, piece] = *std::prev(after);
  const bool inside = address - start < piece.data.size() && bytes <= piece.data.size() - (address - start);
  return {.start = start, .piece = inside ? &piece : nullptr};
}

bool Host::is_direct(std::uint64_t address, std::uint64_t bytes) const {
  return std::ranges::any_of(pieces_, [&](const auto& entry) {
    return !entry.second.seen.empty() && entry.first < address + bytes &&
           address < entry.first + entry.second.data.size();
  });
}

void Host::write(std::uint64_t address, std::span<const std::uint8_t> data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (const auto [start, piece] = find(address + i, 1); piece != nullptr) {
      piece->data[address + i - start] = data[i];
      if (!piece->seen.empty()) {
        piece->seen[address + i - start] = data[i];
      }
    }
  }
}

void Host::cancel() {
  ++cancelled_;
}

std::optional<std::uint64_t> Host::stray_change(const std::function<std::vector<Stretch>()>& may_change) {
  for (auto& [start, piece] : pieces_) {
    if (piece.seen.empty() || piece.seen == piece.data) {
      continue;
    }
    for (const auto& [address, bytes] : may_change()) {
      const std::uint64_t first = std::max(address, start);
      const std::uint64_t end = std::min(address + bytes, start + piece.data.size());
      if (first < end) {
        const auto place = static_cast<std::ptrdiff_t>(first - start);
        std::copy_n(piece.data.begin() + place, end - first, piece.seen.begin() + place);
      }
    }
    const auto difference = std::ranges::mismatch(piece.seen, piece.data).in1;
    if (difference != piece.seen.end()) {
      return start + static_cast<std::uint64_t>(difference - piece.seen.begin());
    }
  }
  return std::nullopt;
}

bool Host::perform(bool write, std::uint64_t address, std::span<std::uint8_t> data) {
  const auto [start, piece] = find(address, data.size());
  if (piece == nullptr || (write && !piece->writable)) {
    return false;
  }
  const auto place = std::span(piece->data).subspan(address - start, data.size());
  std::ranges::copy(write ? data : place, (write ? place : data).begin());
  if (write && !piece->seen.empty()) {
    std::ranges::copy(data, std::span(piece->seen).subspan(address - start).begin());
  }
  return true;
}

void Host::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const bool write = payload.is_write();
  const std::uint64_t address = payload.get_address();
  const std::span data(payload.get_data_ptr(), payload.get_data_length());
  ears_.begins(write, address, data.size());
  const std::uint64_t cancelled = cancelled_;
  if (!habits_.waits) {
    delay += habits_.delay;
  } else if (habits_.delay != sc_core::SC_ZERO_TIME) {
    ++under_way_;
    sc_core::wait(habits_.delay);
    --under_way_;
  }
  const bool ok = cancelled == cancelled_ && perform(write, address, data);
  if (!write) {
    ears_.was_read(address, data, ok);
  }
  payload.set_dmi_allowed(ok && (habits_.promises || is_direct(address, 1)));
  payload.set_response_status(ok ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

unsigned Host::debug(tlm::tlm_generic_payload& payload) {
  const std::span data(payload.get_data_ptr(), payload.get_data_length());
  if (!habits_.debug || !payload.is_read() || !perform(false, payload.get_address(), data)) {
    return 0;
  }
  ears_.was_peeked(payload.get_address(), data);
  return payload.get_data_length();
}

bool Host::grant(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& granted) {
  const auto [start, piece] = find(payload.get_address(), 1);
  if (piece == nullptr || piece->seen.empty()) {
    return false;
  }
  granted.set_start_address(start);
  granted.set_end_address(start + piece->data.size() - 1);
  granted.set_dmi_ptr(piece->data.data());
  granted.set_granted_access(piece->writable ? tlm::tlm_dmi::DMI_ACCESS_READ_WRITE : tlm::tlm_dmi::DMI_ACCESS_READ);
  return true;
}

}  // namespace prd32::fuzz
