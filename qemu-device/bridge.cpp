// SPDX-License-Identifier: Apache-2.0
#include "bridge.hpp"

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <utility>

#include "prd32/dma_origin.hpp"

namespace prd32 {

Bridge::Bridge(const sc_core::sc_module_name& name, unsigned vectors, std::function<void()> reset_card, DmaMap& map,
               MessageDma& messages, BridgeStatistics& statistics, ViolationLog& violations)
    : sc_core::sc_module(name),
      mmio("mmio"),
      memory("memory"),
      dma("dma"),
      irq("irq", vectors),
      reset_card_(std::move(reset_card)),
      map_(map),
      messages_(messages),
      statistics_(statistics),
      violations_(violations) {
  dma.register_b_transport(this, &Bridge::dma_transport);
  dma.register_get_direct_mem_ptr(this, &Bridge::dma_direct);
  dma.register_transport_dbg(this, &Bridge::dma_debug);
  map_.on_invalidate([this](std::uint64_t first, std::uint64_t last) { dma->invalidate_direct_mem_ptr(first, last); });
  map_.on_unmap([this](std::uint64_t first, std::uint64_t last) {
    messages_.end(first, last, dma_rule(DmaStatus::kAfterUnmap));
  });
  sc_core::sc_spawn_options options;
  options.spawn_method();
  for (unsigned vector = 0; vector < vectors; ++vector) {  // sc_vector's iterators are ambiguous to compare in C++20
    options.set_sensitivity(&irq[vector]);
  }
  sc_core::sc_spawn([this] { forward_lines(); }, "forward_lines", &options);
}

void Bridge::connect(PciFunction& function) {
  function_ = &function;
  function.on_dma_blocked([this] {
    dma->invalidate_direct_mem_ptr(0, std::numeric_limits<std::uint64_t>::max());
    messages_.end_all(function_->dma_refusal());
  });
}

void Bridge::reset() {
  reset_card_();
  messages_.end_all(nullptr);
}

bool Bridge::read(CardSpace space, std::uint64_t address, std::span<std::byte> data) {
  return access(space, tlm::TLM_READ_COMMAND, address, data);
}

bool Bridge::write(CardSpace space, std::uint64_t address, std::span<const std::byte> data) {
  // TLM's payload knows no constant data; a target does not change what it is told to take.
  return access(space, tlm::TLM_WRITE_COMMAND, address, {const_cast<std::byte*>(data.data()), data.size()});
}

bool Bridge::access(CardSpace space, tlm::tlm_command command, std::uint64_t address, std::span<std::byte> data) {
  transaction_.set_command(command);
  transaction_.set_address(address);
  transaction_.set_data_ptr(reinterpret_cast<unsigned char*>(data.data()));
  transaction_.set_data_length(static_cast<unsigned>(data.size()));
  transaction_.set_streaming_width(static_cast<unsigned>(data.size()));
  transaction_.set_byte_enable_ptr(nullptr);
  transaction_.set_dmi_allowed(false);
  transaction_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  (space == CardSpace::kMemory ? memory : mmio)->b_transport(transaction_, delay);
  return transaction_.is_response_ok();
}

void Bridge::dma_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time&) {
  const std::uint64_t address = transaction.get_address();
  const std::size_t size = transaction.get_data_length();
  if (transaction.get_byte_enable_ptr() != nullptr) {
    transaction.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    return;
  }
  if (transaction.get_streaming_width() < size || transaction.is_write() == transaction.is_read()) {
    transaction.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  const std::span<std::byte> data(reinterpret_cast<std::byte*>(transaction.get_data_ptr()), size);
  if (by_idle_channel(transaction)) {
    carry_out_idle(transaction, data);
    return;
  }
  if (const char* rule = function_->dma_refusal(); rule != nullptr) {
    refuse(transaction, {.rule = rule, .address = address});
    return;
  }
  const DmaMap::Result result = transaction.is_write() ? map_.write(address, data) : map_.read(address, data);
  if (result.status == DmaStatus::kByMessage) {
    if (const auto refusal = dma_by_message(transaction, data)) {
      refuse(transaction, *refusal);
    }
    return;
  }
  if (result.status != DmaStatus::kOk) {
    refuse(transaction, {.rule = dma_rule(result.status), .address = result.address});
    return;
  }
  (transaction.is_write() ? statistics_.dma_write_bytes : statistics_.dma_read_bytes) += size;
  transaction.set_dmi_allowed(map_.direct(address).data != nullptr);
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

bool Bridge::by_idle_channel(const tlm::tlm_generic_payload& transaction) const {
  const DmaOrigin* const origin = transaction.get_extension<DmaOrigin>();
  return origin != nullptr && active_ && (origin->purpose() == DmaPurpose::kOver || !active_(origin->channel()));
}

/// One breach is recorded, whatever else is wrong with it: it has the same name wherever a test runs.
void Bridge::carry_out_idle(tlm::tlm_generic_payload& transaction, std::span<std::byte> data) {
  const std::uint64_t address = transaction.get_address();
  violations_.record({.rule = "dma-by-idle-channel",
                      .severity = severity::kError,
                      .channel = static_cast<int>(transaction.get_extension<DmaOrigin>()->channel()),
                      .prd_index = transaction.get_extension<DmaOrigin>()->prd_index(),
                      .address = address,
                      .detail = fmt::format("{} of {} bytes at {:#x}, after the channel had told that it was idle",
                                            transaction.is_write() ? "write" : "read", data.size(), address)});
  transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
  if (function_->dma_refusal() != nullptr) {
    return;
  }
  const DmaMap::Result result = transaction.is_write() ? map_.write(address, data) : map_.read(address, data);
  if (result.status == DmaStatus::kByMessage) {
    (void)dma_by_message(transaction, data);
  } else if (result.status == DmaStatus::kOk) {
    transaction.set_response_status(tlm::TLM_OK_RESPONSE);
  }
}

/// Sets the response. What it returns is for the record.
std::optional<Bridge::Refusal> Bridge::dma_by_message(tlm::tlm_generic_payload& transaction,
                                                      std::span<std::byte> data) {
  sc_core::sc_event ended;
  MessageAccess access{
      .write = transaction.is_write(), .address = transaction.get_address(), .data = data, .on_ended = [&ended] {
        ended.notify(sc_core::SC_ZERO_TIME);
      }};
  messages_.start(access);
  while (!access.ended) {
    sc_core::wait(ended);
  }
  transaction.set_response_status(access.ok() ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
  if (access.ok() || access.cancelled) {
    return std::nullopt;
  }
  return Refusal{.rule = access.rule,
                 .address = access.address + access.moved,
                 .why = access.error != 0 ? fmt::format(": {}", std::strerror(access.error)) : ""};
}

void Bridge::refuse(tlm::tlm_generic_payload& transaction, const Refusal& refusal) {
  ++statistics_.dma_refused;
  transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
  violations_.record(
      {.rule = refusal.rule,
       .severity = severity::kError,
       .channel = -1,
       .prd_index = -1,
       .address = refusal.address,
       .detail = fmt::format("{} of {} bytes at {:#x}, refused at {:#x}{}", transaction.is_write() ? "write" : "read",
                             transaction.get_data_length(), transaction.get_address(), refusal.address, refusal.why)});
}

bool Bridge::dma_direct(tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& direct) {
  const DmaMap::Direct found = map_.direct(transaction.get_address());
  direct.init();
  if (function_->dma_refusal() != nullptr || found.data == nullptr) {
    return false;
  }
  direct.set_dmi_ptr(reinterpret_cast<unsigned char*>(found.data));
  direct.set_start_address(found.first);
  direct.set_end_address(found.last);
  direct.set_granted_access(found.readable && found.writable ? tlm::tlm_dmi::DMI_ACCESS_READ_WRITE
                            : found.writable                 ? tlm::tlm_dmi::DMI_ACCESS_WRITE
                                                             : tlm::tlm_dmi::DMI_ACCESS_READ);
  return true;
}

/// Debug accesses look at memory without the function's permission and leave no trace. What only the client reaches
/// they do not see: they cannot wait for it.
unsigned Bridge::dma_debug(tlm::tlm_generic_payload& transaction) {
  const std::span<std::byte> data(reinterpret_cast<std::byte*>(transaction.get_data_ptr()),
                                  transaction.get_data_length());
  const DmaMap::Result result =
      transaction.is_write() ? map_.write(transaction.get_address(), data) : map_.read(transaction.get_address(), data);
  return result.status == DmaStatus::kOk ? transaction.get_data_length() : 0;
}

void Bridge::forward_lines() {
  for (unsigned vector = 0; vector < irq.size(); ++vector) {
    function_->set_line(vector, irq[vector].read());
  }
}

}  // namespace prd32
