// SPDX-License-Identifier: Apache-2.0
// dma-bufs, in both directions: of the driver for others, of others for the card.
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "card.hpp"

namespace prd32::uapi_test {
namespace {

// The processor's turn, for as long as the object lives.
class CpuAccess {
 public:
  CpuAccess(const Descriptor& dma_buf, std::uint64_t how) : fd_(dma_buf.get()), how_(how) { sync(DMA_BUF_SYNC_START); }
  ~CpuAccess() { sync(DMA_BUF_SYNC_END); }
  CpuAccess(const CpuAccess&) = delete;
  CpuAccess& operator=(const CpuAccess&) = delete;

 private:
  void sync(std::uint64_t when) const {
    dma_buf_sync argument{when | how_};
    static_cast<void>(ioctl(fd_, DMA_BUF_IOCTL_SYNC, &argument));
  }
  int fd_;
  std::uint64_t how_;
};

void transfer(const Card& card, prd32_ioc_submit request, std::string_view what) {
  expect_ok(card.submit(request), std::string(what) + ": SUBMIT");
  expect_error(-request.error, 0, what);
  expect_equal(request.moved, request.length, what);
}

void fill(const Descriptor& dma_buf, const Mapping& mapping, std::span<const std::uint8_t> bytes) {
  const CpuAccess access(dma_buf, DMA_BUF_SYNC_WRITE);
  std::ranges::copy(bytes, mapping.data());
}

void expect_content(const Descriptor& dma_buf, const Mapping& mapping, std::span<const std::uint8_t> bytes,
                    std::string_view what) {
  const CpuAccess access(dma_buf, DMA_BUF_SYNC_READ);
  expect_same(mapping.bytes().first(bytes.size()), bytes, what);
}

// Somebody else's memory, filled by the processor, through the card, and back into it elsewhere.
void there_and_back(const Place& place, const Descriptor& dma_buf, const Mapping& mapping) {
  const Card card(place.device);
  const std::size_t half = mapping.size() / 2;
  const Bytes bytes = pattern(half, 21);
  fill(dma_buf, mapping, bytes);
  transfer(card, dma_buf_request(PRD32_FROM_HOST, kMiB, dma_buf.get(), 0, half, PRD32_SUBMIT_WAIT), "from the host");
  expect_same(card.read(kMiB, half), bytes, "card memory");
  transfer(card, dma_buf_request(PRD32_TO_HOST, kMiB, dma_buf.get(), half, half, PRD32_SUBMIT_WAIT), "to the host");
  const CpuAccess access(dma_buf, DMA_BUF_SYNC_READ);
  expect_same(mapping.bytes().subspan(half), bytes, "what came back");
  expect_same(mapping.bytes().first(half), bytes, "what was sent");
}

struct Memfd {
  explicit Memfd(std::size_t size) : file(memfd_create("prd32", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
    expect(file.get() >= 0 && ftruncate(file.get(), static_cast<off_t>(size)) == 0, "memfd");
    expect(fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK) == 0, "F_SEAL_SHRINK");
    std::ranges::fill(Mapping(file.get(), size, 0).bytes(), std::uint8_t{0});  // its pages come now, in this order
  }
  // Its pieces of 64 KiB, the last one first: in order they may be one segment (Linux 7.2 joins what is contiguous),
  // which is too long for a bounce buffer.
  [[nodiscard]] Descriptor dma_buf(std::size_t size) const {
    const Descriptor maker(open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
    expect(maker.get() >= 0, "/dev/udmabuf");
    const auto count = static_cast<std::uint32_t>(size / kPiece);
    std::vector<std::uint64_t> storage((sizeof(udmabuf_create_list) + count * sizeof(udmabuf_create_item)) / 8);
    auto* const list = reinterpret_cast<udmabuf_create_list*>(storage.data());
    list->flags = UDMABUF_FLAGS_CLOEXEC;
    list->count = count;
    for (std::uint32_t i = 0; i < count; ++i) {
      list->list[i].memfd = static_cast<std::uint32_t>(file.get());
      list->list[i].offset = (count - 1 - i) * kPiece;
      list->list[i].size = kPiece;
    }
    Descriptor made(ioctl(maker.get(), UDMABUF_CREATE_LIST, list));
    expect(made.get() >= 0, "UDMABUF_CREATE_LIST");
    return made;
  }
  static constexpr std::size_t kPiece = 64 * kKiB;
  Descriptor file;
};

void udmabuf(const Place& place) {
  constexpr std::size_t kSize = 2 * kMiB;
  const Memfd memory(kSize);
  const Descriptor dma_buf = memory.dma_buf(kSize);
  const Mapping mapping(dma_buf.get(), kSize, 0);
  for (unsigned round = 0; round < 3; ++round) {
    there_and_back(place, dma_buf, mapping);
  }
}

void heap(const Place& place) {
  constexpr std::size_t kSize = 512 * kKiB;
  const Descriptor maker(open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC));
  expect(maker.get() >= 0, "/dev/dma_heap/system");
  dma_heap_allocation_data argument{};
  argument.len = kSize;
  argument.fd_flags = O_RDWR | O_CLOEXEC;
  expect(ioctl(maker.get(), DMA_HEAP_IOCTL_ALLOC, &argument) == 0, "DMA_HEAP_IOCTL_ALLOC");
  const Descriptor dma_buf(static_cast<int>(argument.fd));
  there_and_back(place, dma_buf, Mapping(dma_buf.get(), kSize, 0));
}

// A request that nobody waits for keeps the dma-buf, although its descriptor is closed.
void closed_meanwhile(const Place& place) {
  constexpr std::size_t kSize = 64 * kKiB;
  const Card card(place.device);
  const Memfd memory(kSize);
  const Mapping mapping(memory.file.get(), kSize, 0);
  const Bytes bytes = pattern(kSize, 22);
  card.write(0, bytes);
  Blockade blockade(place.device);
  {
    const Descriptor dma_buf = memory.dma_buf(kSize);
    auto request = dma_buf_request(PRD32_TO_HOST, 0, dma_buf.get(), 0, kSize);
    expect_ok(card.submit(request), "SUBMIT");
  }
  blockade.release();
  expect_error(-card.result().error, 0, "the request");
  expect_same(mapping.bytes(), bytes, "the memory");
}

void refused(const Place& place) {
  constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
  const Card card(place.device);
  const Descriptor dma_buf = card.exported(card.buffer(PRD32_BUFFER_CACHED, 4 * kPage).handle);
  const auto error = [&](int fd, std::uint64_t offset, std::uint64_t length) {
    auto request = dma_buf_request(PRD32_TO_HOST, 0, fd, offset, length, PRD32_SUBMIT_WAIT);
    return card.submit(request);
  };
  expect_error(error(-1, 0, kPage), EBADF, "no descriptor");
  expect_error(error(card.fd(), 0, kPage), EINVAL, "no dma-buf");
  expect_error(error(dma_buf.get(), 4 * kPage, kPage), EINVAL, "behind the end");
  expect_error(error(dma_buf.get(), kPage, 4 * kPage), EINVAL, "over the end");
  expect_error(error(dma_buf.get(), kHuge - kPage + 1, 2 * kPage), EINVAL, "an offset that wraps");
}

// The number that the next file would get: the lowest that is free.
int next_descriptor() {
  return Descriptor(dup(STDIN_FILENO)).get();
}

// Who cannot be told of the descriptor has none.
void export_untold(const Place& place) {
  const Card card(place.device);
  auto argument = make<prd32_ioc_export>();
  argument.handle = card.buffer(PRD32_BUFFER_CACHED, kPage).handle;
  const Mapping page(kPage);
  std::memcpy(page.data(), &argument, sizeof(argument));
  expect(mprotect(page.data(), kPage, PROT_READ) == 0, "mprotect");
  const int before = next_descriptor();
  expect_error(call_raw(card.fd(), PRD32_IOC_EXPORT, page.data()), EFAULT, "an argument that cannot be written");
  expect_equal(next_descriptor(), before, "the lowest number that is free");
  static_cast<void>(card.exported(argument.handle));
}

// What the driver exports: a size, pages to be mapped, the same bytes as the buffer's.
void exported(const Place& place) {
  constexpr std::size_t kSize = 300 * kKiB;
  const Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_CACHED, kSize);
  const Mapping own(card.fd(), kSize, buffer.offset);
  const Descriptor dma_buf = card.exported(buffer.handle);
  expect((fcntl(dma_buf.get(), F_GETFD) & FD_CLOEXEC) != 0, "close-on-exec");
  expect_equal(lseek(dma_buf.get(), 0, SEEK_END), kSize, "its size");
  const Mapping mapping(dma_buf.get(), kSize, 0);
  const Mapping page(dma_buf.get(), kPage, 7 * kPage);
  const Bytes bytes = pattern(kSize, 23);
  fill(dma_buf, mapping, bytes);
  expect_same(own.bytes(), bytes, "the buffer's own mapping");
  expect_same(page.bytes(), std::span(bytes).subspan(7 * kPage, kPage), "a page of it");
  expect_error(map_error(dma_buf.get(), kPage, 0, MAP_PRIVATE), EINVAL, "a private mapping");
}

// Through a second card, if there is one, or the same: to the driver it is another device's dma-buf either way.
void exported_to(const Place& place, const std::string& importer_path) {
  constexpr std::size_t kSize = kMiB;
  const Card exporter(place.device);
  const Card importer(importer_path);
  const Buffer buffer = exporter.buffer(PRD32_BUFFER_CACHED, kSize);
  const Descriptor dma_buf = exporter.exported(buffer.handle);
  const Mapping mapping(dma_buf.get(), kSize, 0);
  const Bytes bytes = pattern(kSize, 24);
  fill(dma_buf, mapping, bytes);
  transfer(importer, dma_buf_request(PRD32_FROM_HOST, 0, dma_buf.get(), 0, kSize, PRD32_SUBMIT_WAIT), "from the host");
  expect_same(importer.read(0, kSize), bytes, "card memory");
  fill(dma_buf, mapping, Bytes(kSize));
  transfer(importer, dma_buf_request(PRD32_TO_HOST, 0, dma_buf.get(), 0, kSize, PRD32_SUBMIT_WAIT), "to the host");
  expect_content(dma_buf, mapping, bytes, "what came back");

  // And now the exporter's card, with its own mapping of the same pages.
  expect_ok(exporter.sync(buffer, PRD32_SYNC_FOR_DEVICE), "to the card");
  auto request = buffer_request(PRD32_FROM_HOST, 4 * kMiB, buffer, 0, PRD32_SUBMIT_WAIT);
  transfer(exporter, request, "from the buffer");
  expect_same(exporter.read(4 * kMiB, kSize), bytes, "the exporter's card memory");
}

void exported_to_itself(const Place& place) {
  exported_to(place, place.device);
}
void exported_to_another(const Place& place) {
  exported_to(place, place.other);
}

void outlives_all(const Place& place) {
  Card card(place.device);
  const Buffer buffer = card.buffer(PRD32_BUFFER_CACHED, 64 * kKiB);
  const Descriptor dma_buf = card.exported(buffer.handle);
  const Bytes bytes = pattern(64 * kKiB, 25);
  fill(dma_buf, Mapping(dma_buf.get(), bytes.size(), 0), bytes);
  expect_ok(card.free(buffer.handle), "freeing");
  card.close();
  expect_content(dma_buf, Mapping(dma_buf.get(), bytes.size(), 0), bytes, "after handle and file");
}

}  // namespace

std::vector<Case> dma_buf_cases() {
  return {{"dmabuf.refused", refused},
          {"dmabuf.heap", heap},
          {"udmabuf.there_and_back", udmabuf},
          {"udmabuf.closed_meanwhile", closed_meanwhile},
          {"export.untold", export_untold},
          {"export.mapped", exported},
          {"export.to_itself", exported_to_itself},
          {"export.outlives_all", outlives_all},
          {"cards.export", exported_to_another}};
}

}  // namespace prd32::uapi_test
