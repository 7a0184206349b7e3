// SPDX-License-Identifier: Apache-2.0
// The kernel refuses the driver one allocation, or one access to the caller's memory, at each place in turn. Who runs
// these cases has told the kernel to count those only that the driver asks for (failslab/require-start and the like).
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <iostream>
#include <map>

#include "card.hpp"

namespace prd32::uapi_test {
namespace {

constexpr unsigned kMostPlaces = 2000;  // more than any operation has: a count that never ends is a fault, too
constexpr std::size_t kBytes = 9 * kPage + 123;

// /proc/self/fail-nth: the allocation that is refused, counted from now in this thread; 0 for none.
class Refusal {
 public:
  Refusal() : file_(open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC)) { expect(file_.get() >= 0, "fail-nth"); }
  ~Refusal() { set(0); }
  Refusal(const Refusal&) = delete;
  Refusal& operator=(const Refusal&) = delete;

  void set(unsigned number) const {
    const std::string text = std::to_string(number);
    expect_equal(pwrite(file_.get(), text.data(), text.size(), 0), text.size(), "fail-nth");
  }
  // How many more there would have to be; 0 when it has happened.
  [[nodiscard]] unsigned left() const {
    std::array<char, 16> text{};
    expect(pread(file_.get(), text.data(), text.size() - 1, 0) > 0, "fail-nth");
    return static_cast<unsigned>(std::stoul(text.data()));
  }

 private:
  Descriptor file_;
};

// What a call returned, as 0 or errno.
int error_of(std::int64_t returned) {
  return returned < 0 ? errno : 0;
}

// Calls `operation`, which returns 0 or an errno, with each refusal in turn, then `after`, without one. `other`: one
// more errno that it may end in.
void at_each_place(const std::function<int()>& operation, const std::function<void(int)>& after, int other = ENOMEM) {
  const Refusal refusal;
  std::map<int, unsigned> seen;
  for (unsigned number = 1;; ++number) {
    expect(number <= kMostPlaces, "the operation has an end");
    refusal.set(number);
    const int error = operation();
    const bool refused = refusal.left() == 0;
    refusal.set(0);
    after(error);
    if (!refused) {
      expect_ok(error, "nothing was refused");
      expect(number > 1, "something is refused");
      break;
    }
    expect(error == 0 || error == ENOMEM || error == EFAULT || error == other,
           "refusal " + std::to_string(number) + " ends in errno " + std::to_string(error));
    ++seen[error];
  }
  for (const auto& [error, count] : seen) {
    std::cout << "# errno " << error << ": " << count << " times" << std::endl;
  }
}

int told(const std::string& what, const std::string& address) {
  const Descriptor file(open(("/sys/bus/pci/drivers/prd32/" + what).c_str(), O_WRONLY | O_CLOEXEC));
  expect(file.get() >= 0, what);
  return error_of(write(file.get(), address.data(), address.size()));
}

void bind(const Place& place) {
  expect_ok(told("unbind", place.pci), "unbind");
  const auto unbind = [&](int error) {
    if (error == 0) {
      expect_ok(told("unbind", place.pci), "unbind");
    }
  };
  // EBUSY is the kernel's word for a region that it has no memory to write down.
  at_each_place([&] { return told("bind", place.pci); }, unbind, EBUSY);
  expect_ok(told("bind", place.pci), "bind");
  const Card card(place.device);
}

void open_file(const Place& place) {
  Descriptor file;
  at_each_place(
      [&] {
        file = Descriptor(::open(place.device.c_str(), O_RDWR | O_CLOEXEC));
        return error_of(file.get());
      },
      [&](int) { file.reset(); });
}

// Bytes may be fewer than asked for; those that are told have moved.
void read_file(const Place& place) {
  const Card card(place.device);
  const Bytes expected = pattern(kBytes, 1);
  card.write(0, expected);
  const Mapping memory(16 * kPage);
  const std::span<std::uint8_t> bytes(memory.data() + 17, kBytes);
  ssize_t moved = 0;
  at_each_place(
      [&] {
        moved = pread(card.fd(), bytes.data(), bytes.size(), 0);
        return error_of(moved);
      },
      [&](int error) {
        const std::size_t count = error != 0 ? 0 : static_cast<std::size_t>(moved);
        expect_same(bytes.first(count), std::span(expected).first(count), "what was read");
      });
}

void write_file(const Place& place) {
  const Card card(place.device);
  unsigned seed = 0;
  ssize_t moved = 0;
  Bytes bytes;
  at_each_place(
      [&] {
        bytes = pattern(kBytes, ++seed);
        moved = pwrite(card.fd(), bytes.data() + 17, bytes.size() - 17, 0);
        return error_of(moved);
      },
      [&](int error) {
        const std::size_t count = error != 0 ? 0 : static_cast<std::size_t>(moved);
        expect_same(card.read(0, count), std::span(bytes).subspan(17, count), "what was written");
      });
}

// A request that was accepted ends once, and so does the refusal.
void submit(const Place& place) {
  const Card card(place.device);
  const Bytes expected = pattern(kBytes, 2);
  card.write(0, expected);
  const Mapping memory(16 * kPage);
  const std::span<std::uint8_t> bytes(memory.data() + 17, kBytes);
  std::uint64_t cookie = 0;
  at_each_place(
      [&] {
        auto request = user_request(PRD32_TO_HOST, 0, bytes, ++cookie);
        return card.submit(request);
      },
      [&](int error) {
        if (error == 0) {
          const prd32_result result = card.result();
          expect_equal(result.cookie, cookie, "the cookie");
          expect(result.error == 0 || result.error == -ENOMEM, "the end of the request");
        }
        std::vector<prd32_result> none;
        expect_error(card.results(none, 1, 0), EAGAIN, "one more result");
      });
  expect_same(bytes, expected, "what the last request read");
}

}  // namespace

std::vector<Case> fault_cases() {
  return {
      {"fault.bind", bind},        {"fault.open", open_file}, {"fault.read", read_file},
      {"fault.write", write_file}, {"fault.submit", submit},
  };
}

}  // namespace prd32::uapi_test
