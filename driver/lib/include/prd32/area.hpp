// SPDX-License-Identifier: Apache-2.0
// A part of card memory that nobody else who asks is given.
#pragma once

#include <cstdint>
#include <memory>
#include <prd32/result.hpp>

namespace prd32 {

class Connection;

/// Reserved card memory, given back at the end of its life. Keeps the device open.
///
/// An area keeps those apart who ask for one: transfers to memory outside of it are not refused.
class Area {
 public:
  Area(Area&& other) noexcept;
  Area& operator=(Area&& other) noexcept;
  ~Area();

  /// Where it is in card memory, bytes; a multiple of 4096.
  [[nodiscard]] std::uint64_t address() const { return address_; }
  /// How much was asked for, bytes. The driver rounds it up to 4096.
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  friend class Device;
  Area(std::shared_ptr<const Connection> connection, std::uint64_t address, std::uint64_t size)
      : connection_(std::move(connection)), address_(address), size_(size) {}
  void free() noexcept;

  std::shared_ptr<const Connection> connection_;
  std::uint64_t address_;
  std::uint64_t size_;
};

}  // namespace prd32
