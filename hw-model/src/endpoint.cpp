// SPDX-License-Identifier: Apache-2.0
#include "prd32/endpoint.hpp"

#include <isa-l/crc.h>

#include <algorithm>

#include "pattern_endpoint.hpp"

namespace prd32 {

std::optional<Fault> Endpoint::examine(const Position& /*at*/, const sc_core::sc_time& /*now*/) {
  return std::nullopt;
}
std::optional<EndpointWait> Endpoint::wait(std::uint64_t /*bytes*/, const sc_core::sc_time& /*now*/) {
  return std::nullopt;
}
std::span<std::uint8_t> Endpoint::in_place(std::uint64_t /*offset*/, std::uint64_t /*bytes*/) {
  return {};
}
void Endpoint::fetched(std::uint64_t /*bytes*/) {}

namespace {

using regs::Err;
using regs::Mode;

/// Card memory. What lies beyond it is where card-range is switched to says: at its start again, or nowhere.
class MemoryEndpoint final : public Endpoint {
 public:
  explicit MemoryEndpoint(const EndpointParts& parts)
      : memory_(parts.memory.bytes()), wraps_(parts.breaches.mode(Err::kCardRange) == Mode::kSilicon) {}

  std::span<std::uint8_t> in_place(std::uint64_t offset, std::uint64_t bytes) override {
    const bool inside = offset <= memory_.size() && bytes <= memory_.size() - offset;
    return inside ? memory_.subspan(offset, bytes) : std::span<std::uint8_t>();
  }
  void fetch(std::uint64_t offset, std::span<std::uint8_t> out) override {
    std::ranges::fill(out, std::uint8_t{0});
    for_each_piece(offset, out.size(), [&](std::size_t done, std::span<std::uint8_t> piece) {
      std::ranges::copy(piece, out.subspan(done).begin());
    });
  }
  void store(std::uint64_t offset, std::span<const std::uint8_t> in) override {
    for_each_piece(offset, in.size(), [&](std::size_t done, std::span<std::uint8_t> piece) {
      std::copy_n(in.data() + done, piece.size(), piece.data());  // ranges::copy of const bytes goes byte by byte
    });
  }

 private:
  template <typename Action>
  void for_each_piece(std::uint64_t offset, std::size_t bytes, Action action) {
    offset = wraps_ ? offset % memory_.size() : std::min<std::uint64_t>(offset, memory_.size());
    const std::size_t head = std::min<std::size_t>(bytes, memory_.size() - offset);
    action(0, memory_.subspan(offset, head));
    if (wraps_) {
      action(head, memory_.first(bytes - head));
    }
  }

  std::span<std::uint8_t> memory_;
  bool wraps_;
};

class ChecksumEndpoint final : public Endpoint {
 public:
  explicit ChecksumEndpoint(const EndpointParts& parts) : channel_(parts.channel), registers_(parts.registers) {}

  void fetch(std::uint64_t /*offset*/, std::span<std::uint8_t> /*out*/) override {}
  void store(std::uint64_t /*offset*/, std::span<const std::uint8_t> in) override {
    // The library takes and gives the remainder itself, which CRC-32C inverts at both ends. It reads only.
    auto* const data = const_cast<std::uint8_t*>(in.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    crc_ = ~crc32_iscsi(data, static_cast<int>(in.size()), ~crc_);
    registers_.set(regs::Crc::at(channel_), crc_);
  }

 private:
  unsigned channel_;
  RegisterFile& registers_;
  std::uint32_t crc_ = 0;
};

class LoopbackEndpoint final : public Endpoint {
 public:
  LoopbackEndpoint(const EndpointParts& parts, bool to_host)
      : Endpoint(true), loopback_(parts.loopback), to_host_(to_host) {}

  std::optional<EndpointWait> wait(std::uint64_t bytes, const sc_core::sc_time& /*now*/) override {
    if (bytes <= (to_host_ ? loopback_.level() : loopback_.room())) {
      return std::nullopt;
    }
    return EndpointWait{.event = &loopback_.changed()};
  }
  void fetch(std::uint64_t /*offset*/, std::span<std::uint8_t> out) override {
    cleared_ = loopback_.cleared();
    loopback_.peek(out);
  }
  void fetched(std::uint64_t bytes) override {
    if (cleared_ == loopback_.cleared()) {  // else the other channel's reset emptied it while they were on the bus
      loopback_.drop(bytes);
    }
  }
  void store(std::uint64_t /*offset*/, std::span<const std::uint8_t> in) override { loopback_.put(in); }

 private:
  Loopback& loopback_;
  bool to_host_;
  std::uint64_t cleared_ = 0;
};

/// Where the endpoint does not go in the direction wanted, and nobody minds.
class NoEndpoint final : public Endpoint {
 public:
  void fetch(std::uint64_t /*offset*/, std::span<std::uint8_t> out) override {
    std::ranges::fill(out, std::uint8_t{0});
  }
  void store(std::uint64_t /*offset*/, std::span<const std::uint8_t> /*in*/) override {}
};

}  // namespace

std::unique_ptr<Endpoint> make_endpoint(const Setup& setup, const EndpointParts& parts, const sc_core::sc_time& start) {
  if (setup.endpoint_missing) {
    return std::make_unique<NoEndpoint>();
  }
  switch (setup.endpoint) {
    case regs::Endpoint::kPattern:
      return std::make_unique<PatternEndpoint>(setup, parts, start);
    case regs::Endpoint::kChecksum:
      return std::make_unique<ChecksumEndpoint>(parts);
    case regs::Endpoint::kLoopback:
      return std::make_unique<LoopbackEndpoint>(parts, setup.to_host);
    case regs::Endpoint::kMemory:
      break;
  }
  return std::make_unique<MemoryEndpoint>(parts);
}

}  // namespace prd32
