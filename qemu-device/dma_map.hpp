// SPDX-License-Identifier: Apache-2.0
// Which bus addresses the client has opened to the card, and what lies behind them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "guest_memory.hpp"

namespace prd32 {

/// The smallest unit that a client maps; told to the peer as pgsizes.
inline constexpr std::uint64_t kDmaPageSize = 4096;
/// The most mappings at a time; told to the peer as max_dma_maps.
inline constexpr std::size_t kMaxDmaMappings = 65535;

/// How the card gets at the client's memory.
enum class DmaMode {
  kAuto,     ///< through the file descriptor that came with a mapping, by messages where none came
  kMmap,     ///< through file descriptors only
  kMessage,  ///< by messages only; descriptors are ignored
  kAsk,      ///< the same, and the client decides: it is asked for addresses that it has not mapped, too
};

enum class DmaStatus {
  kOk,
  kByMessage,      ///< no breach: allowed, but a mapping on the way has no memory here; the client must be asked
  kUnmapped,       ///< the first byte is in no mapping
  kAfterUnmap,     ///< the first byte is in no mapping, but was in one a moment ago
  kBeyondMapping,  ///< starts in a mapping and runs past its end into nothing
  kReadDenied,     ///< a mapping on the way may not be read
  kWriteDenied,    ///< a mapping on the way may not be written
  kNotMappable,    ///< a mapping on the way came without a file descriptor, and messages are not wanted
  kBackingLost,    ///< the client's file is shorter than when it was mapped
};

/// The rule under which a refused access is recorded, e.g. "dma-unmapped".
[[nodiscard]] const char* dma_rule(DmaStatus status);

/// The DMA mappings of one client, ordered by address.
class DmaMap {
 public:
  struct Result {
    DmaStatus status = DmaStatus::kOk;
    std::uint64_t address = 0;  ///< the first byte at fault when status is not kOk
  };
  /// A piece of client memory that a model may access directly, and the bus addresses that it answers to.
  struct Direct {
    std::byte* data = nullptr;  ///< null: no direct access
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    bool readable = false;
    bool writable = false;
  };

  explicit DmaMap(DmaMode mode = DmaMode::kAuto) : mode_(mode) {}

  /// Opens [address, address + size). Without a descriptor the range is known, but not accessible from here.
  /// Returns 0 or an errno: EINVAL for a size or address that is no multiple of kDmaPageSize, a wrap, no rights, or a
  /// file too short; EEXIST for an overlap; ENOSPC beyond kMaxDmaMappings; or what mmap() says.
  [[nodiscard]] int map(std::uint64_t address, std::uint64_t size, bool readable, bool writable, const UniqueFd& fd,
                        std::uint64_t offset);

  /// Closes every mapping inside [address, address + size), which may be none: that is how the kernel's type 1 IOMMU
  /// does it, and what clients with a virtual IOMMU rely on. Returns 0, or EINVAL when the range is empty, wraps, or
  /// cuts a mapping in two; nothing is closed then.
  [[nodiscard]] int unmap(std::uint64_t address, std::uint64_t size);
  void unmap_all();
  /// A new client comes: nothing of the old one is remembered.
  void clear();

  /// Copies between client memory and `data`. All rights and bounds are checked before the first byte moves; an access
  /// may run over any number of adjacent mappings. With kByMessage nothing was copied.
  [[nodiscard]] Result read(std::uint64_t address, std::span<std::byte> data) const;
  [[nodiscard]] Result write(std::uint64_t address, std::span<const std::byte> data) const;

  /// Direct access to what lies at `address`, only where the client's file cannot shrink under it.
  [[nodiscard]] Direct direct(std::uint64_t address) const;

  /// Called with a range of bus addresses whose direct pointers must not be used any longer.
  void on_invalidate(std::function<void(std::uint64_t first, std::uint64_t last)> hook) {
    invalidate_ = std::move(hook);
  }
  /// Called with a range of bus addresses that the client has closed.
  void on_unmap(std::function<void(std::uint64_t first, std::uint64_t last)> hook) { unmapped_ = std::move(hook); }

  [[nodiscard]] std::size_t size() const { return mappings_.size(); }
  [[nodiscard]] std::size_t most() const { return most_; }
  /// Of those now, the ones that are known only: what lies there is reached by message.
  [[nodiscard]] std::size_t by_message() const;

 private:
  struct Mapping {
    std::uint64_t last = 0;  ///< address of the last byte
    MemoryFile* file = nullptr;
    std::uint64_t offset = 0;
    bool readable = false;
    bool writable = false;
  };
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  using Mappings = std::map<std::uint64_t, Mapping>;

  [[nodiscard]] Mappings::const_iterator find(std::uint64_t address) const;
  [[nodiscard]] Mappings::iterator remove(Mappings::iterator mapping);
  [[nodiscard]] Result check(std::uint64_t address, std::uint64_t size, bool write) const;
  [[nodiscard]] DmaStatus missing(std::uint64_t address) const;
  void invalidate(std::uint64_t first, std::uint64_t last) const;
  void tell_unmapped(std::uint64_t first, std::uint64_t last) const;
  template <typename Copy>
  [[nodiscard]] Result transfer(std::uint64_t address, std::uint64_t size, bool write, Copy copy) const;

  DmaMode mode_;
  Mappings mappings_;
  GuestMemory memory_;
  std::function<void(std::uint64_t, std::uint64_t)> invalidate_;
  std::function<void(std::uint64_t, std::uint64_t)> unmapped_;
  std::array<Range, 1024> recent_{};  ///< ring of ranges closed last; adjacent ones are merged
  std::size_t recent_count_ = 0;      ///< ever recorded
  std::size_t most_ = 0;
};

}  // namespace prd32
