// SPDX-License-Identifier: Apache-2.0
#include "dma_map.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

namespace prd32 {
namespace {

constexpr std::uint64_t kTop = std::numeric_limits<std::uint64_t>::max();

bool empty_or_wraps(std::uint64_t address, std::uint64_t size) {
  return size == 0 || size - 1 > kTop - address;
}

}  // namespace

const char* dma_rule(DmaStatus status) {
  switch (status) {
    case DmaStatus::kOk:
    case DmaStatus::kByMessage:
      break;
    case DmaStatus::kUnmapped:
      return "dma-unmapped";
    case DmaStatus::kAfterUnmap:
      return "dma-after-unmap";
    case DmaStatus::kBeyondMapping:
      return "dma-beyond-mapping";
    case DmaStatus::kReadDenied:
      return "dma-read-denied";
    case DmaStatus::kWriteDenied:
      return "dma-write-denied";
    case DmaStatus::kNotMappable:
      return "dma-not-mappable";
    case DmaStatus::kBackingLost:
      return "dma-backing-lost";
  }
  return "dma-ok";
}

int DmaMap::map(std::uint64_t address, std::uint64_t size, bool readable, bool writable, const UniqueFd& fd,
                std::uint64_t offset) {
  if (empty_or_wraps(address, size) || (address | size) % kDmaPageSize != 0 || (!readable && !writable)) {
    return EINVAL;
  }
  const std::uint64_t last = address + (size - 1);
  const auto next = mappings_.lower_bound(address);
  if ((next != mappings_.end() && next->first <= last) || find(address) != mappings_.end()) {
    return EEXIST;
  }
  if (mappings_.size() >= kMaxDmaMappings) {
    return ENOSPC;
  }
  Mapping mapping{.last = last, .file = nullptr, .offset = offset, .readable = readable, .writable = writable};
  if (fd && mode_ != DmaMode::kMessage && mode_ != DmaMode::kAsk) {
    const GuestMemory::Result memory = memory_.acquire(fd, offset, size, writable);
    if (memory.error != 0) {
      return memory.error;
    }
    mapping.file = memory.file;
    if (memory.moved) {
      invalidate(0, kTop);
    }
  }
  mappings_.emplace_hint(next, address, mapping);
  most_ = std::max(most_, mappings_.size());
  return 0;
}

int DmaMap::unmap(std::uint64_t address, std::uint64_t size) {
  if (empty_or_wraps(address, size)) {
    return EINVAL;
  }
  const std::uint64_t last = address + (size - 1);
  const auto cut_at = [this](std::uint64_t at) {
    const auto mapping = find(at);
    return mapping != mappings_.end() && mapping->first < at;
  };
  if (cut_at(address) || (last != kTop && cut_at(last + 1))) {
    return EINVAL;
  }
  auto mapping = mappings_.lower_bound(address);
  const bool any = mapping != mappings_.end() && mapping->first <= last;
  while (mapping != mappings_.end() && mapping->first <= last) {
    mapping = remove(mapping);
  }
  if (any) {
    tell_unmapped(address, last);
  }
  return 0;
}

void DmaMap::unmap_all() {
  for (auto mapping = mappings_.begin(); mapping != mappings_.end();) {
    mapping = remove(mapping);
  }
  tell_unmapped(0, kTop);
}

void DmaMap::clear() {
  unmap_all();
  memory_.clear();
  recent_count_ = 0;
}

DmaMap::Mappings::iterator DmaMap::remove(Mappings::iterator mapping) {
  const Range range{mapping->first, mapping->second.last};
  Range& newest = recent_[(recent_count_ + recent_.size() - 1) % recent_.size()];
  if (recent_count_ > 0 && newest.last != kTop && newest.last + 1 == range.first) {
    newest.last = range.last;
  } else {
    recent_[recent_count_++ % recent_.size()] = range;
  }
  if (mapping->second.file != nullptr) {
    memory_.release(mapping->second.file);
  }
  return mappings_.erase(mapping);
}

std::size_t DmaMap::by_message() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(mappings_, [](const auto& mapping) { return mapping.second.file == nullptr; }));
}

DmaMap::Mappings::const_iterator DmaMap::find(std::uint64_t address) const {
  auto mapping = mappings_.upper_bound(address);
  if (mapping == mappings_.begin()) {
    return mappings_.end();
  }
  --mapping;
  return mapping->second.last >= address ? mapping : mappings_.end();
}

DmaStatus DmaMap::missing(std::uint64_t address) const {
  const std::size_t count = std::min(recent_count_, recent_.size());
  const bool recently = std::any_of(recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(count),
                                    [address](const Range& r) { return r.first <= address && address <= r.last; });
  return recently ? DmaStatus::kAfterUnmap : DmaStatus::kUnmapped;
}

DmaMap::Result DmaMap::check(std::uint64_t address, std::uint64_t size, bool write) const {
  if (mode_ == DmaMode::kAsk) {
    return {DmaStatus::kByMessage, address};
  }
  auto mapping = find(address);
  if (mapping == mappings_.end()) {
    return {missing(address), address};
  }
  if (empty_or_wraps(address, size)) {
    return {DmaStatus::kBeyondMapping, address};
  }
  const std::uint64_t last = address + (size - 1);
  DmaStatus status = DmaStatus::kOk;
  for (std::uint64_t at = address;;) {
    const Mapping& here = mapping->second;
    if (write ? !here.writable : !here.readable) {
      return {write ? DmaStatus::kWriteDenied : DmaStatus::kReadDenied, at};
    }
    if (here.file == nullptr) {
      if (mode_ == DmaMode::kMmap) {
        return {DmaStatus::kNotMappable, at};
      }
      status = DmaStatus::kByMessage;  // the whole access: the client reaches all that it mapped
    }
    if (here.last >= last) {
      return {status, address};
    }
    at = here.last + 1;
    ++mapping;
    if (mapping == mappings_.end() || mapping->first != at) {
      // A page that was just taken away is the more telling diagnosis: its driver unmapped too early.
      const DmaStatus why = missing(at);
      return {why == DmaStatus::kAfterUnmap ? why : DmaStatus::kBeyondMapping, at};
    }
  }
}

template <typename Copy>
DmaMap::Result DmaMap::transfer(std::uint64_t address, std::uint64_t size, bool write, Copy copy) const {
  if (size == 0) {
    return {};
  }
  if (const Result refused = check(address, size, write); refused.status != DmaStatus::kOk) {
    return refused;
  }
  auto mapping = find(address);
  for (std::uint64_t done = 0; done < size; ++mapping) {
    const std::uint64_t at = address + done;
    const std::uint64_t count = std::min(size - done, mapping->second.last - at + 1);
    if (!copy(mapping->second.file->at(mapping->second.offset + (at - mapping->first)), done, count)) {
      return {DmaStatus::kBackingLost, at};
    }
    done += count;
  }
  return {};
}

DmaMap::Result DmaMap::read(std::uint64_t address, std::span<std::byte> data) const {
  return transfer(address, data.size(), false, [data](std::byte* memory, std::uint64_t done, std::uint64_t count) {
    return guarded_copy(data.data() + done, memory, count);
  });
}

DmaMap::Result DmaMap::write(std::uint64_t address, std::span<const std::byte> data) const {
  return transfer(address, data.size(), true, [data](std::byte* memory, std::uint64_t done, std::uint64_t count) {
    return guarded_copy(memory, data.data() + done, count);
  });
}

DmaMap::Direct DmaMap::direct(std::uint64_t address) const {
  const auto mapping = find(address);
  if (mapping == mappings_.end() || mapping->second.file == nullptr || !mapping->second.file->cannot_shrink()) {
    return {};
  }
  return {.data = mapping->second.file->at(mapping->second.offset),
          .first = mapping->first,
          .last = mapping->second.last,
          .readable = mapping->second.readable,
          .writable = mapping->second.writable};
}

void DmaMap::invalidate(std::uint64_t first, std::uint64_t last) const {
  if (invalidate_) {
    invalidate_(first, last);
  }
}

void DmaMap::tell_unmapped(std::uint64_t first, std::uint64_t last) const {
  invalidate(first, last);
  if (unmapped_ && mode_ != DmaMode::kAsk) {  // else it is the client that decides about what is under way
    unmapped_(first, last);
  }
}

}  // namespace prd32
