// SPDX-License-Identifier: Apache-2.0
#include "prd32/data_mover.hpp"

#include <algorithm>
#include <array>

#include "prd32/copy.hpp"

namespace prd32 {

using regs::Err;

namespace {

/// Calls action(address, data) for each part that has bytes, until one returns a fault.
template <typename Action>
std::optional<Fault> for_each_part(const Region& region, std::span<std::uint8_t> data, Action action) {
  if (region.head != 0) {
    if (auto fault = action(region.base, data.first(region.head))) {
      return fault;
    }
  }
  return region.head < region.bytes ? action(region.rest_base, data.subspan(region.head)) : std::nullopt;
}

}  // namespace

std::optional<Fault> DataMover::move(const Setup& setup, const Position& at, const Region& region, Endpoint& endpoint,
                                     const std::function<bool()>& going) {
  if (region.bytes == 0) {
    return std::nullopt;
  }
  const std::uint64_t offset = setup.card_offset + at.moved;
  const std::span<std::uint8_t> in_place = endpoint.in_place(offset, region.bytes);
  const bool staged = in_place.size() != region.bytes;
  if (!staged && region.head == region.bytes && move_directly(setup.to_host, region.base, in_place)) {
    return std::nullopt;  // an endpoint whose bytes lie in one place has nothing to count
  }
  const std::span<std::uint8_t> buffer = std::span(staging_).first(region.bytes);
  if (setup.to_host) {
    if (staged) {
      endpoint.fetch(offset, buffer);
    }
    auto fault = to_host(at, region, staged ? buffer : in_place, going);
    if (!fault && going()) {
      endpoint.fetched(region.bytes);
    }
    return fault;
  }
  auto fault = from_host(at, region, buffer, going);
  if (!fault && going()) {
    endpoint.store(offset, buffer);
  }
  return fault;
}

bool DataMover::move_directly(bool out, std::uint64_t address, std::span<std::uint8_t> in_place) {
  if (out) {
    return bus_.copy_direct(tlm::TLM_WRITE_COMMAND, address, in_place);
  }
  const std::uint8_t* const host = bus_.direct(address, in_place.size());
  if (host == nullptr) {
    return false;
  }
  copy_to_memory(in_place, {host, in_place.size()});
  return true;
}

std::optional<Fault> DataMover::to_host(const Position& at, const Region& region, std::span<std::uint8_t> data,
                                        const std::function<bool()>& going) {
  return for_each_part(region, data, [&](std::uint64_t address, std::span<std::uint8_t> part) -> std::optional<Fault> {
    if (!going() || access(tlm::TLM_WRITE_COMMAND, address, part, at) || !going()) {
      return std::nullopt;
    }
    return breaches_.fault_if_error({.code = Err::kDataWrite, .prd_index = at.prd_index(), .address = address},
                                    [] { return "the bus refused the write of data"; });
  });
}

std::optional<Fault> DataMover::from_host(const Position& at, const Region& region, std::span<std::uint8_t> data,
                                          const std::function<bool()>& going) {
  return for_each_part(region, data, [&](std::uint64_t address, std::span<std::uint8_t> part) -> std::optional<Fault> {
    if (!going() || access(tlm::TLM_READ_COMMAND, address, part, at) || !going()) {
      return std::nullopt;
    }
    std::ranges::fill(part, std::uint8_t{0xff});  // what a master abort reads
    return breaches_.fault_if_error({.code = Err::kDataRead, .prd_index = at.prd_index(), .address = address},
                                    [] { return "the bus refused the read of data"; });
  });
}

}  // namespace prd32
