// SPDX-License-Identifier: Apache-2.0
// Memory that the card reaches at any time, without being pinned for each transfer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <prd32/result.hpp>
#include <prd32/transfer.hpp>
#include <span>
#include <utility>

namespace prd32 {

class Connection;

/// What the processor sees of a buffer.
enum class BufferKind : std::uint32_t {
  kCoherent,       ///< processor and card see the same at any time; perhaps slow to read
  kWriteCombine,   ///< for what the processor fills and the card reads; very slow to read
  kCached,         ///< fast; the processor looks at it through Buffer::access() alone. May be large, can be shared
  kNonContiguous,  ///< the same in one range for the card: never copied, but without an IOMMU hard to get
};

/// Who is to look at a kCached or kNonContiguous buffer next.
enum class SyncFor : std::uint32_t {
  kProcessor,  ///< which then sees what the card wrote
  kCard,       ///< which then sees what the processor wrote
};

/// A file descriptor that other drivers take as memory. Closed at the end of its life; the memory stays while anybody
/// has it.
class DmaBuf {
 public:
  DmaBuf(DmaBuf&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}
  DmaBuf& operator=(DmaBuf&& other) noexcept;
  ~DmaBuf();

  /// Takes over a dma-buf of any driver; `bytes` is its size.
  static DmaBuf adopt(int descriptor, std::size_t bytes) { return {descriptor, bytes}; }

  /// Close-on-exec. Other drivers that have it are told of the processor's access by DMA_BUF_IOCTL_SYNC.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Gives the descriptor away: the caller closes it.
  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }
  /// A part of it, to be moved: `length` bytes from `offset` on. The kernel checks the range.
  [[nodiscard]] Slice slice(std::uint64_t offset, std::uint64_t length) const {
    return {.handle = 0, .descriptor = descriptor_, .offset = offset, .length = length};
  }

 private:
  DmaBuf(int descriptor, std::size_t bytes) : descriptor_(descriptor), size_(bytes) {}
  int descriptor_;
  std::size_t size_;
};

/// The processor's turn at a buffer: it sees what the card wrote, and the card sees, when this object's life ends, what
/// the processor wrote. No transfer of these bytes may be under way meanwhile. For kCached; costs nothing with the
/// other kinds. Must not outlive its Buffer.
class BufferAccess {
 public:
  BufferAccess(BufferAccess&& other) noexcept = default;
  BufferAccess& operator=(BufferAccess&&) = delete;
  ~BufferAccess();

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  /// Gives the bytes back to the card now, and says how that went.
  Result<void> end();

 private:
  friend class Buffer;
  BufferAccess(std::shared_ptr<const Connection> connection, std::uint32_t handle, std::uint64_t offset,
               std::span<std::byte> bytes)
      : connection_(std::move(connection)), handle_(handle), offset_(offset), bytes_(bytes) {}

  std::shared_ptr<const Connection> connection_;
  std::uint32_t handle_;
  std::uint64_t offset_;
  std::span<std::byte> bytes_;
};

/// Memory of the driver, mapped for the processor, and given back at the end of its life. Keeps the device open.
///
/// A transfer that is under way keeps the memory too; a Buffer may go before its Request.
class Buffer {
 public:
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  [[nodiscard]] BufferKind kind() const { return kind_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  /// All of it, zeroed at first. With kCached and kNonContiguous only what access() gave may be looked at.
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  /// A part of it, to be moved. The kernel checks the range.
  [[nodiscard]] Slice slice(std::uint64_t offset, std::uint64_t length) const {
    return {.handle = handle_, .descriptor = -1, .offset = offset, .length = length};
  }
  [[nodiscard]] Slice slice() const { return slice(0, bytes_.size()); }

  /// The processor's turn, at all of it or `length` bytes from `offset` on. EINVAL beyond its end.
  [[nodiscard]] Result<BufferAccess> access() const { return access(0, bytes_.size()); }
  [[nodiscard]] Result<BufferAccess> access(std::size_t offset, std::size_t length) const;

  /// One change of hands, for those whom access() does not fit: what the other side has changed in the range, and was
  /// not synchronised before, is lost. EINVAL beyond its end.
  Result<void> sync(SyncFor who, std::size_t offset, std::size_t length) const;

  /// The same memory for other drivers. EOPNOTSUPP unless kCached.
  [[nodiscard]] Result<DmaBuf> share() const;

 private:
  friend class Device;
  Buffer(std::shared_ptr<const Connection> connection, BufferKind kind, std::uint32_t handle,
         std::span<std::byte> bytes)
      : connection_(std::move(connection)), kind_(kind), handle_(handle), bytes_(bytes) {}
  void free() noexcept;

  std::shared_ptr<const Connection> connection_;
  BufferKind kind_;
  std::uint32_t handle_;
  std::span<std::byte> bytes_;
};

}  // namespace prd32
