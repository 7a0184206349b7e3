// SPDX-License-Identifier: Apache-2.0
// The card's target sockets: what a transaction becomes.
#include <algorithm>

#include "prd32/card.hpp"

namespace prd32 {

namespace {

tlm::tlm_response_status response_of(RegisterFile::Result result) {
  switch (result) {
    case RegisterFile::Result::kMalformed:
      return tlm::TLM_BURST_ERROR_RESPONSE;
    case RegisterFile::Result::kOutside:
      return tlm::TLM_ADDRESS_ERROR_RESPONSE;
    case RegisterFile::Result::kOk:
      break;
  }
  return tlm::TLM_OK_RESPONSE;
}

/// What both targets cannot do; OK when the transaction is nothing of that.
tlm::tlm_response_status refusal_of(const tlm::tlm_generic_payload& payload) {
  if (payload.get_byte_enable_ptr() != nullptr) {
    return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  }
  if (payload.get_streaming_width() < payload.get_data_length()) {
    return tlm::TLM_BURST_ERROR_RESPONSE;
  }
  return payload.is_read() || payload.is_write() ? tlm::TLM_OK_RESPONSE : tlm::TLM_COMMAND_ERROR_RESPONSE;
}

/// Copies what of the payload lies in memory, and returns how much that is.
unsigned copy(const tlm::tlm_generic_payload& payload, std::span<std::uint8_t> memory) {
  const std::uint64_t address = std::min<std::uint64_t>(payload.get_address(), memory.size());
  const std::span data(payload.get_data_ptr(),
                       std::min<std::uint64_t>(payload.get_data_length(), memory.size() - address));
  const std::span<std::uint8_t> place = memory.subspan(address, data.size());
  if (payload.is_read()) {
    std::ranges::copy(place, data.begin());
  } else if (payload.is_write()) {
    std::ranges::copy(data, place.begin());
  }
  return static_cast<unsigned>(data.size());
}

}  // namespace

void Card::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) {
  tlm::tlm_response_status status = refusal_of(payload);
  const std::span data(payload.get_data_ptr(), payload.get_data_length());
  if (status == tlm::TLM_OK_RESPONSE) {
    status = response_of(payload.is_read() ? registers_.read(payload.get_address(), data)
                                           : registers_.write(payload.get_address(), data));
  }
  payload.set_response_status(status);
}

/// Reads only: what a write would start has no place in a debugger's look.
unsigned Card::debug_transport(tlm::tlm_generic_payload& payload) {
  const std::span data(payload.get_data_ptr(), payload.get_data_length());
  unsigned done = 0;
  while (payload.is_read() && done < data.size() &&
         registers_.read(payload.get_address() + done, data.subspan(done, 1)) == RegisterFile::Result::kOk) {
    ++done;
  }
  return done;
}

void Card::window_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) {
  const tlm::tlm_response_status status = refusal_of(payload);
  const std::uint64_t size = memory_.bytes().size();
  const bool inside = payload.get_address() <= size && payload.get_data_length() <= size - payload.get_address();
  if (status == tlm::TLM_OK_RESPONSE && inside) {
    copy(payload, memory_.bytes());
    payload.set_dmi_allowed(true);
  }
  payload.set_response_status(status == tlm::TLM_OK_RESPONSE && !inside ? tlm::TLM_ADDRESS_ERROR_RESPONSE : status);
}

unsigned Card::window_debug(tlm::tlm_generic_payload& payload) {
  return copy(payload, memory_.bytes());
}

bool Card::window_direct(tlm::tlm_generic_payload& /*payload*/, tlm::tlm_dmi& granted) {
  granted.set_start_address(0);
  granted.set_end_address(memory_.bytes().size() - 1);
  granted.set_dmi_ptr(memory_.bytes().data());
  granted.allow_read_write();
  return true;
}

}  // namespace prd32
