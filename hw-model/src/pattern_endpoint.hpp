// SPDX-License-Identifier: Apache-2.0
// The pattern generator with its FIFO, which runs over when the bus is too slow.
#pragma once

#include "prd32/endpoint.hpp"

namespace prd32 {

class PatternEndpoint final : public Endpoint {
 public:
  /// The generator runs from that time on.
  PatternEndpoint(const Setup& setup, const EndpointParts& parts, const sc_core::sc_time& start);

  std::optional<Fault> examine(const Position& at, const sc_core::sc_time& now) override;
  std::optional<EndpointWait> wait(std::uint64_t bytes, const sc_core::sc_time& now) override;
  void fetch(std::uint64_t offset, std::span<std::uint8_t> out) override;
  void fetched(std::uint64_t bytes) override;
  void store(std::uint64_t offset, std::span<const std::uint8_t> in) override;

 private:
  std::uint64_t made(const sc_core::sc_time& now) const;

  unsigned channel_;
  RegisterFile& registers_;
  Breaches& breaches_;
  PatternStream stream_;
  PatternStream ahead_;  // as it will be when what fetch() gave reached the host
  sc_core::sc_time start_;
  double bytes_per_second_;
  std::uint64_t fifo_;
  std::uint64_t gone_ = 0;  // bytes that are not in the FIFO any more: moved, lost, or never made
};

}  // namespace prd32
