// SPDX-License-Identifier: Apache-2.0
// A prd32 card, as its driver offers it: /dev/prd32-N.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <prd32/area.hpp>
#include <prd32/buffer.hpp>
#include <prd32/request.hpp>
#include <prd32/result.hpp>
#include <prd32/system.hpp>
#include <prd32/transfer.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

struct prd32_ioc_submit;

namespace prd32 {

/// The first card.
inline constexpr const char* kDefaultDevice = "/dev/prd32-0";

/// What a device is opened for: transfers to the host read it, transfers from the host write it.
enum class OpenMode : std::uint8_t { kRead, kWrite, kReadWrite };

/// What a card is. Sizes in bytes.
struct Info {
  unsigned uapi_version = 0;        ///< of the driver: PRD32_UAPI_VERSION
  unsigned card = 0;                ///< the N of /dev/prd32-N
  std::uint64_t memory_size = 0;    ///< of card memory
  std::uint64_t max_request = 0;    ///< of one transfer of the caller's memory
  std::uint32_t granule = 0;        ///< what the card moves multiples of; a power of two
  std::uint32_t dma_alignment = 0;  ///< edges of the caller's memory that fall short of it are copied
  std::uint32_t max_prds = 0;       ///< descriptors in a table
  unsigned channels = 0;            ///< DMA channels: so many transfers run side by side
  unsigned max_results = 0;         ///< requests of a device, under way or not fetched, at a time
  bool cyclic = false;              ///< the card knows cyclic tables
  bool writeback = false;           ///< the card writes its status to memory
  bool endpoints = false;           ///< other endpoints than card memory are there
};

/// What a channel has done since the driver was bound, for all users of the card.
struct Statistics {
  std::uint64_t requests = 0;         ///< that ended
  std::uint64_t failed = 0;           ///< of them, with an error
  std::uint64_t bytes_to_host = 0;    ///< written to host memory
  std::uint64_t bytes_from_host = 0;  ///< read from host memory
  std::uint64_t tables = 0;           ///< started
  std::uint64_t prds = 0;             ///< in them
  std::uint64_t interrupts = 0;       ///< that were the channel's
  std::uint64_t polls = 0;            ///< ends that polling found
  std::uint64_t lost = 0;             ///< ends that no interrupt told of
  std::uint64_t timeouts = 0;         ///< tables that did not end in time
  std::uint64_t stops = 0;            ///< tables that were stopped
  std::uint64_t channel_resets = 0;   ///< stops that needed a reset of the channel
  std::uint64_t function_resets = 0;  ///< stops that needed a reset of the card
};

/// How a transfer is submitted.
struct SubmitOptions {
  bool nowait = false;  ///< EAGAIN unless a channel is idle
  int eventfd = -1;     ///< an eventfd(2), as Event::descriptor(), to be signalled when the transfer ended; -1: none
};

/// An open card. Calls may be made from several threads at once. Any of them may fail with ENODEV, when the card has
/// left or its driver was unbound.
class Device {
 public:
  /// Opens a device node. ENOENT or ENODEV: no such card, or no driver for it; EACCES: not permitted; ENOTTY or EPROTO:
  /// not a prd32 card, or a driver that is too old. `system` must outlive whatever comes of the device.
  static Result<Device> open(const std::string& path = kDefaultDevice, OpenMode mode = OpenMode::kReadWrite,
                             System& system = System::native());

  [[nodiscard]] const Info& info() const { return info_; }
  [[nodiscard]] const std::string& path() const;
  /// For poll(2): readable while there are outcomes to be fetched. Belongs to the device. With O_NONBLOCK, calls that
  /// would wait for a channel fail with EAGAIN; the end of a request is waited for all the same.
  [[nodiscard]] int descriptor() const;

  /// What a channel has done. EINVAL when the card has no such channel.
  [[nodiscard]] Result<Statistics> statistics(unsigned channel) const;
  /// Function-level reset. Card memory keeps its content, transfers of it are done again, others end with EIO. EPERM
  /// without CAP_SYS_ADMIN, EAGAIN while the card is reset, suspended or removed already.
  Result<void> reset() const;

  /// Moves bytes of card memory into `to`. Returns how many, which is fewer than asked for at the card's end, or after
  /// an error that would come again; the error when there are none. EIO: the card reported an error; ETIMEDOUT.
  [[nodiscard]] Result<std::size_t> read(std::uint64_t card_address, std::span<std::byte> to) const;
  /// Moves bytes to card memory. As read(); ENOSPC at the card's end.
  [[nodiscard]] Result<std::size_t> write(std::uint64_t card_address, std::span<const std::byte> from) const;

  /// Reserves card memory. EINVAL for 0 bytes, ENOSPC when there is no such hole.
  [[nodiscard]] Result<Area> reserve(std::uint64_t bytes) const;
  /// Allocates memory that the card reaches at any time. EINVAL for 0 bytes and for more than PRD32_BUFFER_MAX, ENOMEM
  /// when there is not so much in pieces that the card can use, ENOSPC for too many buffers.
  [[nodiscard]] Result<Buffer> allocate(std::size_t bytes, BufferKind kind) const;

  /// Makes a transfer and waits for its end, which nothing but a fatal signal interrupts. An Error means that it was
  /// not accepted: EINVAL (lengths, offsets, alignment), EOPNOTSUPP (no such endpoint), EBADF (the OpenMode), EAGAIN
  /// (nowait), EBUSY (the kernel's cyclic transfers have every channel), ENOMEM.
  [[nodiscard]] Result<Outcome> run(const Transfer& transfer, const SubmitOptions& options = {}) const;
  /// Begins a transfer. Errors as those of run(), and EBUSY: Info::max_results requests are under way.
  [[nodiscard]] Result<Request> submit(const Transfer& transfer, const SubmitOptions& options = {}) const;
  /// Begins what <linux/prd32.h> describes, without PRD32_SUBMIT_WAIT; its size and cookie are the library's to set.
  [[nodiscard]] Result<Request> submit(const ::prd32_ioc_submit& submission) const;
  /// Tells all transfers of this device to end; returns how many were told.
  Result<unsigned> abort_all() const;
  /// A call of <linux/prd32.h> that is not above. The argument's size must be set; `what` is for the Error.
  Result<void> ioctl(unsigned long request, void* argument, std::string_view what) const;

 private:
  Device(std::shared_ptr<Connection> connection, const Info& info) : connection_(std::move(connection)), info_(info) {}
  std::shared_ptr<Connection> connection_;
  Info info_;
};

}  // namespace prd32
