// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <cerrno>
#include <prd32/device.hpp>

#include "connection.hpp"

namespace prd32 {
namespace {

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kWrite:
      return O_WRONLY;
    default:
      return O_RDWR;
  }
}

Result<Info> query(const Connection& connection) {
  prd32_ioc_query found{};
  const Result<void> asked = connection.call(PRD32_IOC_QUERY, found, "this is no prd32 card, or its driver is too old");
  if (!asked) {
    return asked.error();
  }
  return Info{.uapi_version = found.uapi_version,
              .card = found.card,
              .memory_size = found.memory_size,
              .max_request = found.max_request,
              .granule = found.granule,
              .dma_alignment = found.dma_alignment,
              .max_prds = found.max_prds,
              .channels = found.channels,
              .max_results = found.max_results,
              .cyclic = (found.features & PRD32_FEATURE_CYCLIC) != 0,
              .writeback = (found.features & PRD32_FEATURE_WRITEBACK) != 0,
              .endpoints = (found.features & PRD32_FEATURE_ENDPOINTS) != 0};
}

prd32_ioc_submit submission(const Transfer& transfer, const SubmitOptions& options) {
  prd32_ioc_submit argument{};
  argument.flags = options.nowait ? PRD32_SUBMIT_NOWAIT : 0;
  if (options.eventfd >= 0) {
    argument.flags |= PRD32_SUBMIT_EVENTFD;
    argument.eventfd = options.eventfd;
  }
  argument.direction = transfer.direction == Direction::kToHost ? PRD32_TO_HOST : PRD32_FROM_HOST;
  argument.endpoint = static_cast<std::uint32_t>(transfer.endpoint);
  argument.card_addr = transfer.card_address;
  argument.length = transfer.length;
  if (transfer.memory != nullptr) {
    argument.memory = PRD32_MEMORY_USER;
    argument.address = reinterpret_cast<std::uintptr_t>(transfer.memory);
  } else {
    const bool buffer = transfer.slice.handle != 0;
    argument.memory = buffer ? PRD32_MEMORY_BUFFER : PRD32_MEMORY_DMABUF;
    argument.handle = transfer.slice.handle;
    argument.fd = buffer ? 0 : transfer.slice.descriptor;
    argument.address = transfer.slice.offset;
  }
  if (transfer.endpoint == Endpoint::kPattern) {
    argument.pattern = transfer.pattern.control;
    argument.pattern_seed = transfer.pattern.seed;
    argument.pattern_rate = transfer.pattern.rate;
    argument.pattern_fifo = transfer.pattern.fifo;
  }
  return argument;
}

static_assert(static_cast<std::uint32_t>(Endpoint::kMemory) == PRD32_EP_MEMORY);
static_assert(static_cast<std::uint32_t>(Endpoint::kPattern) == PRD32_EP_PATTERN);
static_assert(static_cast<std::uint32_t>(Endpoint::kChecksum) == PRD32_EP_CHECKSUM);
static_assert(static_cast<std::uint32_t>(Endpoint::kLoopback) == PRD32_EP_LOOPBACK);
static_assert(static_cast<std::uint32_t>(BufferKind::kCoherent) == PRD32_BUFFER_COHERENT);
static_assert(static_cast<std::uint32_t>(BufferKind::kWriteCombine) == PRD32_BUFFER_WRITE_COMBINE);
static_assert(static_cast<std::uint32_t>(BufferKind::kCached) == PRD32_BUFFER_CACHED);
static_assert(static_cast<std::uint32_t>(BufferKind::kNonContiguous) == PRD32_BUFFER_NONCONTIGUOUS);

// Calls `move` (bytes done so far) until `total` are, it has no more, or it fails.
template <typename Move>
Result<std::size_t> move_all(const Connection& connection, std::size_t total, const char* what, const Move& move) {
  std::size_t done = 0;
  while (done < total) {
    const std::int64_t moved = move(done);
    if (moved == -EINTR) {
      continue;
    }
    if (moved < 0 && done == 0) {
      return connection.error(static_cast<int>(-moved), what);
    }
    if (moved <= 0) {
      break;
    }
    done += static_cast<std::size_t>(moved);
  }
  return done;
}

}  // namespace

Result<Device> Device::open(const std::string& path, OpenMode mode, System& system) {
  const int descriptor = system.open(path.c_str(), flags_of(mode));
  if (descriptor < 0) {
    return Error{.code = -descriptor, .what = "cannot open " + path};
  }
  Result<Event> nudge = Event::create();
  if (!nudge) {
    system.close(descriptor);
    return nudge.error();
  }
  auto connection = std::make_shared<Connection>(system, descriptor, path, std::move(*nudge));
  const Result<Info> info = query(*connection);
  if (!info) {
    return info.error();
  }
  if (info->uapi_version < PRD32_UAPI_VERSION) {
    return connection->error(EPROTO, "the driver is older than this library");
  }
  return Device(std::move(connection), *info);
}

const std::string& Device::path() const {
  return connection_->path();
}

int Device::descriptor() const {
  return connection_->descriptor();
}

Result<Statistics> Device::statistics(unsigned channel) const {
  prd32_ioc_statistics found{};
  found.channel = channel;
  const Result<void> asked = connection_->call(PRD32_IOC_STATISTICS, found, "cannot ask for a channel's statistics");
  if (!asked) {
    return asked.error();
  }
  return Statistics{.requests = found.requests,
                    .failed = found.failed,
                    .bytes_to_host = found.bytes_to_host,
                    .bytes_from_host = found.bytes_from_host,
                    .tables = found.tables,
                    .prds = found.prds,
                    .interrupts = found.interrupts,
                    .polls = found.polls,
                    .lost = found.lost,
                    .timeouts = found.timeouts,
                    .stops = found.stops,
                    .channel_resets = found.channel_resets,
                    .function_resets = found.function_resets};
}

Result<void> Device::reset() const {
  prd32_ioc_reset argument{};
  return connection_->call(PRD32_IOC_RESET, argument, "cannot reset the card");
}

Result<std::size_t> Device::read(std::uint64_t card_address, std::span<std::byte> to) const {
  return move_all(*connection_, to.size(), "cannot read card memory", [&](std::size_t done) {
    return connection_->system().pread(descriptor(), &to[done], to.size() - done, card_address + done);
  });
}

Result<std::size_t> Device::write(std::uint64_t card_address, std::span<const std::byte> from) const {
  return move_all(*connection_, from.size(), "cannot write card memory", [&](std::size_t done) {
    return connection_->system().pwrite(descriptor(), &from[done], from.size() - done, card_address + done);
  });
}

Result<Area> Device::reserve(std::uint64_t bytes) const {
  prd32_ioc_area_alloc argument{};
  argument.length = bytes;
  const Result<void> done = connection_->call(PRD32_IOC_AREA_ALLOC, argument, "cannot reserve card memory");
  if (!done) {
    return done.error();
  }
  return Area(connection_, argument.card_addr, bytes);
}

Result<Buffer> Device::allocate(std::size_t bytes, BufferKind kind) const {
  prd32_ioc_buffer_alloc argument{};
  argument.length = bytes;
  argument.kind = static_cast<std::uint32_t>(kind);
  const Result<void> done = connection_->call(PRD32_IOC_BUFFER_ALLOC, argument, "cannot allocate a buffer");
  if (!done) {
    return done.error();
  }
  void* place = nullptr;
  const int mapped = connection_->system().map(descriptor(), bytes, argument.mmap_offset, &place);
  if (mapped < 0) {
    prd32_ioc_buffer_free back{};
    back.handle = argument.handle;
    static_cast<void>(connection_->call(PRD32_IOC_BUFFER_FREE, back, "cannot free a buffer"));
    return connection_->error(-mapped, "cannot map a buffer");
  }
  return Buffer(connection_, kind, argument.handle, {static_cast<std::byte*>(place), bytes});
}

Result<Outcome> Device::run(const Transfer& transfer, const SubmitOptions& options) const {
  prd32_ioc_submit argument = submission(transfer, options);
  argument.flags |= PRD32_SUBMIT_WAIT;
  const Result<void> done = connection_->call(PRD32_IOC_SUBMIT, argument, "the transfer was not accepted");
  if (!done) {
    return done.error();
  }
  return Outcome{.moved = argument.moved, .error = -argument.error, .crc = argument.crc};
}

Result<Request> Device::submit(const Transfer& transfer, const SubmitOptions& options) const {
  return submit(submission(transfer, options));
}

Result<Request> Device::submit(const prd32_ioc_submit& submission) const {
  prd32_ioc_submit argument = submission;
  if ((argument.flags & PRD32_SUBMIT_WAIT) != 0) {
    return connection_->error(EINVAL, "a transfer that is waited for has no request");
  }
  argument.cookie = connection_->new_cookie();
  const auto attempt = [&] { return connection_->call(PRD32_IOC_SUBMIT, argument, "the transfer was not accepted"); };
  Result<void> done = attempt();
  // Outcomes that nobody asked for yet take room at the driver; here is enough.
  while (!done && done.error().code == EBUSY && connection_->make_room()) {
    done = attempt();
  }
  if (!done) {
    connection_->forget(argument.cookie);
    return done.error();
  }
  return Request(connection_, argument.cookie);
}

Result<unsigned> Device::abort_all() const {
  prd32_ioc_abort argument{};
  argument.flags = PRD32_ABORT_ALL;
  const Result<void> done = connection_->call(PRD32_IOC_ABORT, argument, "cannot abort");
  if (!done) {
    return done.error();
  }
  return unsigned{argument.count};
}

Result<void> Device::ioctl(unsigned long request, void* argument, std::string_view what) const {
  return connection_->ioctl(request, argument, what);
}

}  // namespace prd32
