// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "negotiation.hpp"

namespace prd32 {
namespace {

using Payload = std::span<const std::byte>;

/// The largest fixed part of a reply, or the version reply's text.
constexpr std::size_t kHeadSize = 512;

bool is(std::uint16_t command, wire::Command which) {
  return command == static_cast<std::uint16_t>(which);
}

/// The room that the client left for the reply must hold the fixed structure; larger is fine.
template <typename T>
bool room_for(const T& request) {
  return request.argsz >= sizeof(T);
}

}  // namespace

Session::Session(UniqueFd socket, PciFunction& function, DmaMap& dma, MessageDma& messages,
                 BridgeStatistics& statistics, std::function<void()> settle)
    : connection_(std::move(socket)),
      function_(function),
      dma_(dma),
      messages_(messages),
      statistics_(statistics),
      settle_(std::move(settle)),
      head_(kHeadSize),
      data_(kMaxDataTransfer) {
  ++statistics_.clients;
}

Session::~Session() {
  messages_.disconnect();
  function_.disconnect();
  dma_.clear();
}

template <typename T>
std::span<const std::byte> Session::keep(const T& value) {
  static_assert(sizeof(T) <= kHeadSize);
  std::memcpy(head_.data(), &value, sizeof(T));
  return {head_.data(), sizeof(T)};
}

Session::Served Session::serve() {
  if (!connection_.flush()) {
    return Served::kEnded;
  }
  if (connection_.congested()) {
    return Served::kNothing;
  }
  Message message;
  switch (connection_.receive(message)) {
    case Receive::kMessage:
      return handle(message);
    case Receive::kAgain:
      return Served::kNothing;
    case Receive::kBroken:
      SPDLOG_WARN("client announced a message of {} bytes; at most {} are taken", message.header.size, kMaxMessage);
      ++statistics_.errors;
      (void)send(message.header, fail(EMSGSIZE));
      return Served::kEnded;
    case Receive::kClosed:
      break;
  }
  return Served::kEnded;
}

Session::Served Session::handle(const Message& message) {
  const wire::Header& header = message.header;
  const std::uint32_t type = header.flags & wire::kFlagTypeMask;
  if (type == wire::kTypeReply) {
    take_reply(message);
    return Served::kMessage;
  }
  ++statistics_.messages[header.command < wire::kCommands ? header.command : 0];
  const Reply reply = type == wire::kTypeCommand ? dispatch(message) : fail(EINVAL);
  connection_.fds().clear();  // what was not taken; before the reply, so that the client may count on it
  if (reply.error != 0) {
    ++statistics_.errors;
    SPDLOG_DEBUG("{} (message {}): {}", wire::command_name(header.command), header.id, std::strerror(reply.error));
  }
  if ((header.flags & wire::kFlagNoReply) == 0 && !send(header, reply)) {
    return Served::kEnded;
  }
  return incompatible_ ? Served::kEnded : Served::kMessage;
}

/// The only messages that this server sends are those for DMA.
void Session::take_reply(const Message& message) {
  if (!messages_.reply(message.header, message.payload)) {
    ++statistics_.errors;
    SPDLOG_DEBUG("client replied to message {}, which waits for no reply", message.header.id);
  }
}

bool Session::send(const wire::Header& request, const Reply& reply) {
  wire::Header header = request;
  header.flags = wire::kTypeReply | (reply.error != 0 ? wire::kFlagError : 0);
  header.error = static_cast<std::uint32_t>(reply.error);
  header.size = static_cast<std::uint32_t>(sizeof(header) + reply.head.size() + reply.data.size());
  return connection_.send(header, reply.head, reply.data, reply.fd);
}

Session::Reply Session::dispatch(const Message& message) {
  const std::uint16_t command = message.header.command;
  if (is(command, wire::Command::kVersion) == negotiated_) {
    return fail(EINVAL);  // VERSION comes first, and once
  }
  const bool takes_fds = is(command, wire::Command::kDmaMap) || is(command, wire::Command::kDeviceSetIrqs);
  if (connection_.fds().overflow || (connection_.fds().count != 0 && !takes_fds)) {
    return fail(EINVAL);
  }
  switch (static_cast<wire::Command>(command)) {
    case wire::Command::kVersion:
      return version(message.payload);
    case wire::Command::kDmaMap:
      return dma_map(message.payload);
    case wire::Command::kDmaUnmap:
      return dma_unmap(message.payload);
    case wire::Command::kDeviceGetInfo:
      return device_info(message.payload);
    case wire::Command::kDeviceGetRegionInfo:
      return region_info(message.payload);
    case wire::Command::kDeviceGetIrqInfo:
      return irq_info(message.payload);
    case wire::Command::kDeviceSetIrqs:
      return set_irqs(message.payload);
    case wire::Command::kRegionRead:
      return region_read(message.payload);
    case wire::Command::kRegionWrite:
      return region_write(message.payload);
    case wire::Command::kRegionWriteMulti:
      return region_write_multi(message.payload);
    case wire::Command::kDeviceReset:
      if (!message.payload.empty()) {
        return fail(EINVAL);
      }
      function_.reset();
      return {};
    case wire::Command::kDmaRead:
    case wire::Command::kDmaWrite:
      return fail(EINVAL);  // these go from server to client
    default:
      return fail(ENOTSUP);  // migration, region descriptors, and what nobody knows
  }
}

Session::Reply Session::version(Payload payload) {
  const auto proposed = wire::take<wire::Version>(payload);
  if (!proposed) {
    return fail(EINVAL);
  }
  if (proposed->major != wire::kMajor) {
    SPDLOG_WARN("client speaks vfio-user {}.{}; this server speaks {}.{}", proposed->major, proposed->minor,
                wire::kMajor, wire::kMinor);
    incompatible_ = true;
    return fail(ENOTSUP);
  }
  const auto negotiated = negotiate(payload.subspan(sizeof(wire::Version)));
  if (!negotiated || negotiated->answer.size() >= data_.size()) {
    return fail(EINVAL);
  }
  negotiated_ = true;
  messages_.connect(connection_, std::min<std::uint64_t>(negotiated->client_max_data, kMaxDataTransfer));
  Reply reply{.head = keep(wire::Version{.major = wire::kMajor, .minor = wire::kMinor})};
  if (const std::string& answer = negotiated->answer; !answer.empty()) {
    std::memcpy(data_.data(), answer.c_str(), answer.size() + 1);
    reply.data = {data_.data(), answer.size() + 1};
  }
  return reply;
}

Session::Reply Session::dma_map(Payload payload) {
  constexpr std::uint32_t kFlags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
  const auto request = wire::take<wire::DmaMap>(payload);
  MessageFds& fds = connection_.fds();
  if (!request || fds.count > 1 || (request->flags & ~kFlags) != 0) {
    return fail(EINVAL);
  }
  const int error = dma_.map(request->address, request->size, (request->flags & VFIO_DMA_MAP_FLAG_READ) != 0,
                             (request->flags & VFIO_DMA_MAP_FLAG_WRITE) != 0, fds.fd[0], request->offset);
  return fail(error);
}

Session::Reply Session::dma_unmap(Payload payload) {
  const auto request = wire::take<wire::DmaUnmap>(payload);
  if (!request || (request->flags & ~std::uint32_t{VFIO_DMA_UNMAP_FLAG_ALL}) != 0) {
    return fail(EINVAL);
  }
  if ((request->flags & VFIO_DMA_UNMAP_FLAG_ALL) != 0) {
    if (request->address != 0 || request->size != 0) {
      return fail(EINVAL);
    }
    dma_.unmap_all();
  } else if (const int error = dma_.unmap(request->address, request->size); error != 0) {
    return fail(error);
  }
  return {.head = keep(*request)};
}

Session::Reply Session::device_info(Payload payload) {
  const auto request = wire::take<wire::DeviceInfo>(payload);
  if (!request || !room_for(*request)) {
    return fail(EINVAL);
  }
  return {.head = keep(wire::DeviceInfo{.argsz = sizeof(wire::DeviceInfo),
                                        .flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
                                        .num_regions = VFIO_PCI_NUM_REGIONS,
                                        .num_irqs = VFIO_PCI_NUM_IRQS})};
}

Session::Reply Session::region_info(Payload payload) {
  auto info = wire::take<wire::RegionInfo>(payload);
  if (!info || !room_for(*info) || info->index >= VFIO_PCI_NUM_REGIONS) {
    return fail(EINVAL);
  }
  const std::uint32_t room = info->argsz;
  info->argsz = sizeof(*info);
  info->size = function_.region_size(info->index);
  info->flags = info->size != 0 ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
  info->cap_offset = 0;
  info->offset = 0;
  // Registers cannot be mapped: the card wants to see every access.
  const auto mapping = function_.mapping(info->index);
  return mapping ? mappable_region(*info, room, *mapping) : Reply{.head = keep(*info)};
}

/// The reply for a region that the client may map. Where the file ends before the region, a capability says how much is
/// there; a client that left no room for it is told how much it needs, and may not map before it has asked again.
Session::Reply Session::mappable_region(wire::RegionInfo info, std::uint32_t room,
                                        const PciFunction::Mapping& mapping) {
  info.offset = mapping.offset;
  if (mapping.size == info.size) {
    info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
    return {.head = keep(info), .fd = mapping.fd};
  }
  info.argsz = sizeof(info) + sizeof(wire::SparseMmap);
  if (room < info.argsz) {
    return {.head = keep(info)};
  }
  info.flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
  info.cap_offset = sizeof(info);
  const wire::SparseMmap capability{.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP,
                                    .version = 1,
                                    .next = 0,
                                    .nr_areas = 1,
                                    .reserved = 0,
                                    .offset = 0,
                                    .size = mapping.size};
  std::memcpy(data_.data(), &capability, sizeof(capability));
  return {.head = keep(info), .data = std::span(data_).first(sizeof(capability)), .fd = mapping.fd};
}

Session::Reply Session::irq_info(Payload payload) {
  auto info = wire::take<wire::IrqInfo>(payload);
  if (!info || !room_for(*info) || !function_.interrupts().describe(*info)) {
    return fail(EINVAL);
  }
  info->argsz = sizeof(*info);
  return {.head = keep(*info)};
}

Session::Reply Session::set_irqs(Payload payload) {
  const auto request = wire::take<wire::IrqSet>(payload);
  if (!request) {
    return fail(EINVAL);
  }
  const int error = function_.interrupts().set_irqs(*request, payload.subspan(sizeof(wire::IrqSet)), connection_.fds());
  return fail(error);
}

Session::Reply Session::region_read(Payload payload) {
  const auto request = wire::take<wire::RegionAccess>(payload);
  if (!request || request->count > data_.size()) {
    return fail(EINVAL);
  }
  const std::span<std::byte> data(data_.data(), request->count);
  if (const int error = function_.region_read(request->region, request->offset, data); error != 0) {
    return fail(error);
  }
  return {.head = keep(*request), .data = data};
}

Session::Reply Session::region_write(Payload payload) {
  const auto request = wire::take<wire::RegionAccess>(payload);
  if (!request || payload.size() - sizeof(*request) != request->count) {
    return fail(EINVAL);
  }
  const int error = function_.region_write(request->region, request->offset, payload.subspan(sizeof(*request)));
  if (error != 0) {
    return fail(error);
  }
  return {.head = keep(*request)};
}

/// Writes are done in order up to the first that fails, and the card acts on each before the next, as when they come
/// one by one. The client is told how many were done, so an errno is only for a message that makes no sense as a whole,
/// or whose first write failed.
Session::Reply Session::region_write_multi(Payload payload) {
  const auto count = wire::take<std::uint64_t>(payload);
  if (!count || *count > kMaxMessage || payload.size() != sizeof(*count) + *count * sizeof(wire::RegionWriteOne)) {
    return fail(EINVAL);
  }
  const auto write = [payload](std::uint64_t index) {
    const std::uint64_t at = sizeof(std::uint64_t) + index * sizeof(wire::RegionWriteOne);
    return *wire::take<wire::RegionWriteOne>(payload.subspan(at));
  };
  for (std::uint64_t i = 0; i < *count; ++i) {
    if (write(i).count > sizeof(wire::RegionWriteOne::data)) {
      return fail(EINVAL);
    }
  }
  std::uint64_t done = 0;
  for (; done < *count; ++done) {
    const auto one = write(done);
    const auto data = std::span(one.data).first(one.count);
    if (done != 0) {
      settle_();
    }
    if (const int error = function_.region_write(one.region, one.offset, data); error != 0) {
      if (done == 0) {
        return fail(error);
      }
      break;
    }
  }
  return {.head = keep(done)};
}

}  // namespace prd32
