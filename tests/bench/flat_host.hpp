// SPDX-License-Identifier: Apache-2.0
// Host memory in one piece, with nothing between the card and its bytes.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <systemc>
#include <tlm>

namespace prd32::bench {

class FlatHost : public sc_core::sc_module {
 public:
  /// Bus address of the first byte.
  static constexpr std::uint64_t kBase = 0x10000000;

  tlm_utils::simple_target_socket<FlatHost> socket;

  /// direct: whether the card gets pointers to the memory.
  FlatHost(const sc_core::sc_module_name& name, std::uint64_t bytes, bool direct)
      : sc_module(name),
        socket("socket"),
        owner_(static_cast<std::uint8_t*>(std::calloc(bytes, 1))),
        memory_(owner_.get(), bytes),
        direct_(direct) {
    if (owner_ == nullptr) {
      throw std::bad_alloc();
    }
    socket.register_b_transport(this, &FlatHost::transport);
    socket.register_get_direct_mem_ptr(this, &FlatHost::grant);
  }

  /// The bytes from that bus address on.
  std::span<std::uint8_t> at(std::uint64_t address, std::uint64_t bytes) {
    return memory_.subspan(address - kBase, bytes);
  }

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) {
    const std::uint64_t place = payload.get_address() - kBase;
    const std::uint64_t bytes = payload.get_data_length();
    if (place > memory_.size() || bytes > memory_.size() - place) {
      payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    if (payload.is_write()) {
      std::memcpy(&memory_[place], payload.get_data_ptr(), bytes);
    } else {
      std::memcpy(payload.get_data_ptr(), &memory_[place], bytes);
    }
    payload.set_dmi_allowed(direct_);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  bool grant(tlm::tlm_generic_payload& /*payload*/, tlm::tlm_dmi& granted) {
    granted.set_start_address(kBase);
    granted.set_end_address(kBase + memory_.size() - 1);
    granted.set_dmi_ptr(memory_.data());
    granted.allow_read_write();
    return direct_;
  }

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  std::unique_ptr<std::uint8_t, Free> owner_;  // not a vector: pages that nobody touches shall cost nothing
  std::span<std::uint8_t> memory_;
  bool direct_;
};

}  // namespace prd32::bench
