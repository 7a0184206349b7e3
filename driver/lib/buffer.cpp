// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <prd32/buffer.hpp>
#include <utility>

#include "connection.hpp"

namespace prd32 {
namespace {

Result<void> change_hands(const Connection& connection, std::uint32_t handle, SyncFor who, std::uint64_t offset,
                          std::uint64_t length) {
  prd32_ioc_buffer_sync argument{};
  argument.handle = handle;
  argument.sync = static_cast<std::uint32_t>(who);
  argument.offset = offset;
  argument.length = length;
  return connection.call(PRD32_IOC_BUFFER_SYNC, argument,
                         who == SyncFor::kProcessor ? "cannot take a buffer from the card" : "cannot give it a buffer");
}

static_assert(static_cast<std::uint32_t>(SyncFor::kProcessor) == PRD32_SYNC_FOR_CPU);
static_assert(static_cast<std::uint32_t>(SyncFor::kCard) == PRD32_SYNC_FOR_DEVICE);

}  // namespace

DmaBuf& DmaBuf::operator=(DmaBuf&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

DmaBuf::~DmaBuf() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

BufferAccess::~BufferAccess() {
  static_cast<void>(end());
}

Result<void> BufferAccess::end() {
  if (!connection_) {
    return {};
  }
  const auto connection = std::move(connection_);
  return change_hands(*connection, handle_, SyncFor::kCard, offset_, bytes_.size());
}

Buffer::Buffer(Buffer&& other) noexcept = default;

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    free();
    connection_ = std::move(other.connection_);
    kind_ = other.kind_;
    handle_ = other.handle_;
    bytes_ = other.bytes_;
  }
  return *this;
}

Buffer::~Buffer() {
  free();
}

void Buffer::free() noexcept {
  if (!connection_) {
    return;
  }
  connection_->system().unmap(bytes_.data(), bytes_.size());
  prd32_ioc_buffer_free argument{};
  argument.handle = handle_;
  // Fails only for a handle that is no buffer, which this one is.
  static_cast<void>(connection_->call(PRD32_IOC_BUFFER_FREE, argument, "cannot free a buffer"));
  connection_.reset();
}

Result<BufferAccess> Buffer::access(std::size_t offset, std::size_t length) const {
  if (offset > bytes_.size() || length > bytes_.size() - offset) {
    return connection_->error(EINVAL, "the range is not in the buffer");
  }
  const Result<void> synced = sync(SyncFor::kProcessor, offset, length);
  if (!synced) {
    return synced.error();
  }
  return BufferAccess(connection_, handle_, offset, bytes_.subspan(offset, length));
}

Result<void> Buffer::sync(SyncFor who, std::size_t offset, std::size_t length) const {
  return change_hands(*connection_, handle_, who, offset, length);
}

Result<DmaBuf> Buffer::share() const {
  prd32_ioc_export argument{};
  argument.handle = handle_;
  const Result<void> exported = connection_->call(PRD32_IOC_EXPORT, argument, "cannot export a buffer as dma-buf");
  if (!exported) {
    return exported.error();
  }
  return DmaBuf::adopt(argument.fd, bytes_.size());
}

}  // namespace prd32
