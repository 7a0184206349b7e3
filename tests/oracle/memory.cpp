// SPDX-License-Identifier: Apache-2.0
#include "memory.hpp"

#include <algorithm>
#include <cstring>

namespace prd32::oracle {

namespace {

constexpr std::uint64_t kNoiseBytes = 0x20000;
constexpr std::uint64_t kLargestCard = limits::kMemoryMin + 0x10000;

// Weyl's sequence through a mixer: bytes that no two places within reach have in common.
std::vector<std::uint8_t> noise(std::uint64_t bytes, std::uint64_t seed) {
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;
  std::vector<std::uint8_t> data(bytes);
  for (std::uint8_t& byte : data) {
    seed += kStep;
    std::uint64_t mixed = (seed ^ (seed >> 31U)) * 0xbf58476d1ce4e5b9;
    mixed ^= mixed >> 29U;
    byte = static_cast<std::uint8_t>(mixed >> 24U);
  }
  return data;
}

}  // namespace

void HostMemory::build(const Case& scene) {
  static const std::vector<std::uint8_t> filling = noise(kNoiseBytes + kPageBytes, 1);
  stretches_.clear();
  std::size_t place = 0;
  for (const Region& region : scene.regions) {
    stretches_.push_back({region.address, region.bytes, region.writable, place});
    place += region.bytes;
  }
  buffer_.resize(place);
  for (const Stretch& stretch : stretches_) {
    for (std::uint64_t at = 0; at < stretch.bytes; at += kPageBytes) {
      // Pages differ: where each begins in the filling comes from its number.
      const std::uint64_t from = ((stretch.address + at) / kPageBytes * 0x1f35) % kNoiseBytes;
      std::memcpy(&buffer_[stretch.place + at], &filling[from], kPageBytes);
    }
  }
  for (const Table& table : scene.tables) {
    put(table);
  }
}

void HostMemory::put(const Table& table) {
  std::uint32_t address = table.address;
  for (std::uint64_t prd : table.prds) {
    for (std::size_t i = 0; i < prd::kBytes; ++i, ++address, prd >>= 8U) {
      put(address, static_cast<std::uint8_t>(prd));
    }
  }
}

void HostMemory::put(std::uint64_t address, std::uint8_t byte) {
  if (const Stretch* stretch = region(address)) {
    buffer_[stretch->place + (address - stretch->address)] = byte;
  }
}

void HostMemory::store(std::uint64_t address, const CommandWords& words) {
  for (std::uint32_t word : words) {
    for (std::size_t i = 0; i < sizeof word; ++i, ++address, word >>= 8U) {
      put(address, static_cast<std::uint8_t>(word));
    }
  }
}

const HostMemory::Stretch* HostMemory::region(std::uint64_t address) const {
  const auto found = std::ranges::find_if(stretches_, [&](const Stretch& stretch) {
    return address >= stretch.address && address - stretch.address < stretch.bytes;
  });
  return found == stretches_.end() ? nullptr : &*found;
}

// The region of the first byte, when this and the ones right behind it allow the whole access.
const HostMemory::Stretch* HostMemory::reach(std::uint64_t address, std::uint64_t bytes, bool writing) const {
  const Stretch* const first = region(address);
  const Stretch* stretch = first;
  while (stretch != nullptr && (!writing || stretch->writable)) {
    const std::uint64_t end = stretch->address + stretch->bytes;
    if (address + bytes <= end) {
      return first;
    }
    stretch = region(end);
  }
  return nullptr;
}

bool HostMemory::read(std::uint64_t address, std::span<std::uint8_t> data) const {
  const Stretch* const first = reach(address, data.size(), false);
  if (first != nullptr) {
    std::memcpy(data.data(), &buffer_[first->place + (address - first->address)], data.size());
  }
  return first != nullptr;
}

bool HostMemory::write(std::uint64_t address, std::span<const std::uint8_t> data) {
  const Stretch* const first = reach(address, data.size(), true);
  if (first != nullptr) {
    std::memcpy(&buffer_[first->place + (address - first->address)], data.data(), data.size());
  }
  return first != nullptr;
}

std::span<const std::uint8_t> CardImage::pristine() {
  static const std::vector<std::uint8_t> bytes = noise(kLargestCard, 2);
  return bytes;
}

CardImage::CardImage(std::uint64_t bytes) : bytes_(pristine().begin(), pristine().begin() + static_cast<long>(bytes)) {}

void CardImage::read(std::uint64_t offset, std::span<std::uint8_t> data) const {
  std::ranges::copy(bytes().subspan(offset, data.size()), data.begin());
}

void CardImage::write(std::uint64_t offset, std::span<const std::uint8_t> data) {
  if (!data.empty()) {
    std::memcpy(&bytes_[offset], data.data(), data.size());
    touched_.emplace_back(offset, offset + data.size());
  }
}

void CardImage::restore() {
  for (const auto& [first, end] : touched_) {
    std::memcpy(&bytes_[first], &pristine()[first], end - first);
  }
  touched_.clear();
}

}  // namespace prd32::oracle
