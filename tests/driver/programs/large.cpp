// SPDX-License-Identifier: Apache-2.0
// Transfers that are larger than the guest's memory: the same pages, side by side many times.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "card.hpp"

namespace prd32::uapi_test {
namespace {

constexpr std::size_t kStretch = 64 * kMiB;
constexpr std::size_t kCount = 16;
constexpr std::size_t kTurn = 3 * kPage;  // by how much each stretch is turned against the one before

// The stretches, each of them all the pages of a memfd, turned: so that none has what another has at its place.
class Repeated {
 public:
  Repeated() : file_(memfd_create("prd32", MFD_CLOEXEC)), room_(file_.get(), kStretch * kCount, 0) {
    expect(file_.get() >= 0 && ftruncate(file_.get(), kStretch) == 0, "memfd");
    for (std::size_t index = 0; index < kCount; ++index) {
      const std::size_t turned = index * kTurn;
      place(index * kStretch, turned, kStretch - turned);
      if (turned != 0) {
        place((index + 1) * kStretch - turned, 0, turned);
      }
    }
  }
  [[nodiscard]] std::span<std::uint8_t> all() const { return room_.bytes(); }
  [[nodiscard]] std::span<std::uint8_t> stretch(std::size_t index) const {
    return all().subspan(index * kStretch, kStretch);
  }

 private:
  void place(std::size_t at, std::size_t offset, std::size_t size) const {
    void* const wanted = room_.data() + at;
    expect(mmap(wanted, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_.get(),
                static_cast<off_t>(offset)) == wanted,
           "mmap");
  }
  Descriptor file_;
  Mapping room_;
};

// One write() and one read() of a gibibyte. What each stretch of the card has is looked at in between.
void gibibyte(const Place& place) {
  const Card card(place.device);
  const Repeated memory;
  const std::span<std::uint8_t> all = memory.all();
  const Bytes bytes = pattern(kStretch, 81);
  std::ranges::copy(bytes, memory.stretch(0).data());
  expect_equal(pwrite(card.fd(), all.data(), all.size(), 0), all.size(), "bytes written");
  for (std::size_t index = 0; index < kCount; ++index) {
    const std::uint64_t begin = index * kStretch;
    expect_same(card.read(begin, kMiB), memory.stretch(index).first(kMiB), "the begin of a stretch");
    expect_same(card.read(begin + kStretch - kMiB, kMiB), memory.stretch(index).last(kMiB), "the end of a stretch");
  }
  std::ranges::fill(memory.stretch(0), std::uint8_t{0});
  expect_equal(pread(card.fd(), all.data(), all.size(), 0), all.size(), "bytes read");
  expect_same(memory.stretch(0), bytes, "what was read");
}

}  // namespace

std::vector<Case> large_cases() {
  return {{"large.gibibyte", gibibyte}};
}

}  // namespace prd32::uapi_test
