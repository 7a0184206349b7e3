// SPDX-License-Identifier: Apache-2.0
#include "pattern_endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace prd32 {

using regs::Err;
using regs::Mode;

namespace {
constexpr double kKilo = 1000;
}  // namespace

PatternEndpoint::PatternEndpoint(const Setup& setup, const EndpointParts& parts, const sc_core::sc_time& start)
    : Endpoint(setup.pattern_rate != 0),
      channel_(parts.channel),
      registers_(parts.registers),
      breaches_(parts.breaches),
      stream_(setup.pattern, setup.pattern_seed),
      start_(start),
      bytes_per_second_(kKilo * setup.pattern_rate),
      fifo_(std::max<std::uint64_t>(setup.pattern_fifo, limits::kPrdMaxBytes)) {}

std::uint64_t PatternEndpoint::made(const sc_core::sc_time& now) const {
  return static_cast<std::uint64_t>((now - start_).to_seconds() * bytes_per_second_);
}

std::optional<Fault> PatternEndpoint::examine(const Position& at, const sc_core::sc_time& now) {
  if (made(now) - gone_ <= fifo_) {
    return std::nullopt;
  }
  const std::uint64_t over = made(now) - gone_ - fifo_;
  const Fault fault{.code = Err::kPatternOverrun, .prd_index = at.prd_index(), .address = at.descriptor};
  const Mode mode = breaches_.note(
      fault, [&] { return fmt::format("{} bytes of the pattern found its FIFO of {} bytes full", over, fifo_); });
  if (mode == Mode::kError) {
    return fault;
  }
  gone_ += over;
  if (mode == Mode::kSilicon) {
    stream_.skip(over);
    const std::uint32_t lost = registers_.get(regs::PatternLost::at(channel_));
    registers_.set(regs::PatternLost::at(channel_), static_cast<std::uint32_t>(lost + over));
  }
  return std::nullopt;
}

std::optional<EndpointWait> PatternEndpoint::wait(std::uint64_t bytes, const sc_core::sc_time& now) {
  if (made(now) - gone_ >= bytes) {
    return std::nullopt;
  }
  const auto missing = static_cast<double>(bytes - (made(now) - gone_));
  const sc_core::sc_time least(1, sc_core::SC_NS);  // rounding must not make it wait for nothing, for ever
  return EndpointWait{.time = std::max(least, sc_core::sc_time(missing / bytes_per_second_, sc_core::SC_SEC))};
}

void PatternEndpoint::fetch(std::uint64_t /*offset*/, std::span<std::uint8_t> out) {
  ahead_ = stream_;
  ahead_.make(out);
}

void PatternEndpoint::fetched(std::uint64_t bytes) {
  stream_ = ahead_;
  gone_ += bytes;
}

void PatternEndpoint::store(std::uint64_t /*offset*/, std::span<const std::uint8_t> /*in*/) {}

}  // namespace prd32
