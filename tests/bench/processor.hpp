// SPDX-License-Identifier: Apache-2.0
// Register accesses, as a bridge makes them.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <cstring>
#include <systemc>
#include <tlm>

namespace prd32::bench {

class Processor : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Processor> socket;

  explicit Processor(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {}

  /// A register of 32 bits.
  std::uint32_t read(std::uint32_t offset) {
    std::uint32_t value = 0;
    access(tlm::TLM_READ_COMMAND, offset, value, sizeof(value));
    return value;
  }
  /// Its first bytes, 1, 2 or 4.
  void write(std::uint32_t offset, std::uint32_t value, unsigned bytes = sizeof(std::uint32_t)) {
    access(tlm::TLM_WRITE_COMMAND, offset, value, bytes);
  }

 private:
  // The value's bytes as they lie: the testbed's hosts are little endian, as the card is.
  void access(tlm::tlm_command command, std::uint32_t offset, std::uint32_t& value, unsigned bytes) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(offset);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    payload.set_data_length(bytes);
    payload.set_streaming_width(bytes);
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->b_transport(payload, delay);
  }
};

/// A target that keeps one value, as the least that an access can cost.
class Echo : public sc_core::sc_module {
 public:
  Processor processor{"processor"};

  explicit Echo(const sc_core::sc_module_name& name) : sc_module(name) {
    target_.register_b_transport(this, &Echo::transport);
    processor.socket.bind(target_);
  }

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) {
    if (payload.is_write()) {
      std::memcpy(&value_, payload.get_data_ptr(), sizeof(value_));
    } else {
      std::memcpy(payload.get_data_ptr(), &value_, sizeof(value_));
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  tlm_utils::simple_target_socket<Echo> target_{"target"};
  std::uint32_t value_ = 0;
};

}  // namespace prd32::bench
