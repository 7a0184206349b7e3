// SPDX-License-Identifier: Apache-2.0
#include "bench_run.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <system_error>
#include <vector>

#include "range.hpp"
#include "system.hpp"

namespace prd32::ctl {
namespace {

// Memory for one request at a time, and that request while it is under way.
class Slot {
 public:
  Slot(const Device& card, const BenchPoint& point, std::uint64_t card_address) : card_(card) {
    if (point.kind) {
      buffer_ = card.allocate(point.size, *point.kind).value();
      buffer_->access().value().end().value();  // the card's from now on
    } else {
      memory_.resize(point.size, std::byte{1});
    }
    if (point.direction == Direction::kToHost) {
      transfer_ = buffer_ ? Transfer::from_card(card_address, buffer_->slice())
                          : Transfer::from_card(card_address, std::span<std::byte>(memory_));
    } else {
      transfer_ = buffer_ ? Transfer::to_card(card_address, buffer_->slice())
                          : Transfer::to_card(card_address, std::span<const std::byte>(memory_));
    }
  }

  void submit() {
    watch_ = {};
    request_ = card_.submit(transfer_).value();
  }
  /// Waits for the request; its latency, seconds.
  double wait() {
    const Outcome outcome = request_->wait().value();
    request_.reset();
    if (outcome.error != 0) {
      throw std::system_error(outcome.error, std::generic_category(), "a transfer failed");
    }
    return watch_.seconds();
  }
  [[nodiscard]] bool busy() const { return request_.has_value(); }

 private:
  const Device& card_;
  std::optional<Buffer> buffer_;
  std::vector<std::byte> memory_;
  Transfer transfer_;
  Stopwatch watch_;
  std::optional<Request> request_;  // last, so that it ends before its memory does
};

Json latency_of(std::vector<double>& seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double part) {
    const auto index = static_cast<std::size_t>(part * static_cast<double>(seconds.size() - 1));
    return std::round(seconds[index] * 1e8) / 100;
  };
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  return {{"min", at(0)},
          {"median", at(0.5)},
          {"p99", at(0.99)},
          {"max", at(1)},
          {"mean", std::round(sum / static_cast<double>(seconds.size()) * 1e8) / 100}};
}

}  // namespace

Json measure(const Device& card, const BenchPoint& point) {
  std::vector<std::unique_ptr<Slot>> slots;
  const std::uint64_t places = point.card_bytes / point.size;
  for (unsigned i = 0; i < point.depth; ++i) {
    slots.push_back(std::make_unique<Slot>(card, point, point.card_address + i % places * point.size));
  }
  std::vector<double> latencies;
  const Stopwatch watch;
  for (const auto& slot : slots) {
    slot->submit();
  }
  for (std::size_t next = 0; slots[next]->busy(); next = (next + 1) % slots.size()) {
    latencies.push_back(slots[next]->wait());
    if (watch.seconds() < point.seconds) {
      slots[next]->submit();
    }
  }
  const double seconds = watch.seconds();
  const std::uint64_t bytes = point.size * latencies.size();
  return {{"direction", point.direction == Direction::kToHost ? "read" : "write"},
          {"size", point.size},
          {"depth", point.depth},
          {"requests", latencies.size()},
          {"bytes_per_second", rate(bytes, seconds)},
          {"latency_us", latency_of(latencies)}};
}

Json measure_memcpy(std::size_t size, double seconds) {
  std::vector<std::byte> from(size, std::byte{1});
  std::vector<std::byte> to(size);
  std::uint64_t bytes = 0;
  const Stopwatch watch;
  while (watch.seconds() < seconds) {
    std::memcpy(to.data(), from.data(), size);
    asm volatile("" : : "r"(to.data()) : "memory");  // the compiler must not see that nobody looks
    bytes += size;
  }
  return {{"size", size}, {"bytes_per_second", rate(bytes, watch.seconds())}};
}

}  // namespace prd32::ctl
