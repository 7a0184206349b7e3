// SPDX-License-Identifier: Apache-2.0
#include <prd32/area.hpp>
#include <utility>

#include "connection.hpp"

namespace prd32 {

Area::Area(Area&& other) noexcept = default;

Area& Area::operator=(Area&& other) noexcept {
  if (this != &other) {
    free();
    connection_ = std::move(other.connection_);
    address_ = other.address_;
    size_ = other.size_;
  }
  return *this;
}

Area::~Area() {
  free();
}

void Area::free() noexcept {
  if (!connection_) {
    return;
  }
  prd32_ioc_area_free argument{};
  argument.card_addr = address_;
  // Fails only for an address that is no area, which this one is.
  static_cast<void>(connection_->call(PRD32_IOC_AREA_FREE, argument, "cannot free an area"));
  connection_.reset();
}

}  // namespace prd32
