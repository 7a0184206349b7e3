// SPDX-License-Identifier: Apache-2.0
#include "shrink.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

namespace prd32::oracle {

namespace {

constexpr unsigned kTries = 20'000;

class Shrinker {
 public:
  Shrinker(Case scene, const std::function<bool(const Case&)>& fails) : scene_(std::move(scene)), fails_(fails) {}

  Case shrink(unsigned plainest) {
    attempt([&](Case& next) { next.card = plainest; });
    attempt([](Case& next) { next.direct = false; });
    attempt([](Case& next) { next.debug = false; });
    attempt([](Case& next) { next.bus_time = BusTime::kNone; });
    do {
      progress_ = false;
      leave_out([](Case& next) -> auto& { return next.steps; });
      leave_out([](Case& next) -> auto& { return next.tables; });
      for (std::size_t i = 0; i < scene_.tables.size(); ++i) {
        leave_out([i](Case& next) -> auto& { return next.tables[i].prds; });
      }
      leave_out([](Case& next) -> auto& { return next.regions; });
      simplify_steps();
      simplify_descriptors();
      simplify_regions();
    } while (progress_ && tries_ < kTries);
    return scene_;
  }

 private:
  // Whether the case is still wrong after the change, which is then kept.
  template <typename Change>
  bool attempt(const Change& change) {
    Case next = scene_;
    change(next);
    ++tries_;
    if (tries_ > kTries || !fails_(next)) {
      return false;
    }
    scene_ = std::move(next);
    return true;
  }

  // Elements of a list: many at once first, from the end.
  template <typename List>
  void leave_out(const List& list_of) {
    for (std::size_t chunk = std::max<std::size_t>(1, list_of(scene_).size() / 2); chunk > 0; chunk /= 2) {
      for (std::size_t end = list_of(scene_).size(); end > 0;) {
        const std::size_t first = end - std::min(chunk, end);
        progress_ |= attempt([&](Case& next) {
          auto& list = list_of(next);
          list.erase(list.begin() + static_cast<std::ptrdiff_t>(first),
                     list.begin() + static_cast<std::ptrdiff_t>(end));
        });
        end = std::min(first, list_of(scene_).size());
      }
    }
  }

  // Each bit that need not be there, but not those to be kept.
  template <typename Value>
  void clear_bits(const Value& value_of, std::uint64_t kept) {
    if ((value_of(scene_) & ~kept) == 0) {
      return;
    }
    const auto keep = [&](Case& next, std::uint64_t bits) {
      auto& value = value_of(next);
      value = static_cast<std::remove_reference_t<decltype(value)>>(value & bits);
    };
    if (attempt([&](Case& next) { keep(next, kept); })) {
      progress_ = true;
      return;
    }
    for (std::uint64_t rest = value_of(scene_) & ~kept; rest != 0; rest &= rest - 1) {
      const std::uint64_t bit = rest & (~rest + 1);
      progress_ |= attempt([&](Case& next) { keep(next, ~bit); });
    }
  }

  void simplify_steps() {
    for (std::size_t i = 0; i < scene_.steps.size(); ++i) {
      if (scene_.steps[i].action == Action::kWrite) {
        clear_bits([i](Case& next) -> auto& { return next.steps[i].value; }, 0);
      }
      for (std::size_t word = 0; scene_.steps[i].action == Action::kStore && word < CommandWords{}.size(); ++word) {
        clear_bits([=](Case& next) -> auto& { return next.steps[i].command.at(word); }, 0);
      }
    }
  }

  void simplify_descriptors() {
    for (std::size_t t = 0; t < scene_.tables.size(); ++t) {
      for (std::size_t i = 0; i < scene_.tables[t].prds.size(); ++i) {
        const std::uint64_t before = scene_.tables[t].prds[i];
        if ((before & prd::kEot) == 0) {
          progress_ |= attempt([&](Case& next) { next.tables[t].prds[i] |= prd::kEot; });
        }
        clear_bits([=](Case& next) -> auto& { return next.tables[t].prds[i]; }, prd::kEot);
      }
    }
  }

  void simplify_regions() {
    for (std::size_t i = 0; i < scene_.regions.size(); ++i) {
      if (!scene_.regions[i].writable) {
        progress_ |= attempt([i](Case& next) { next.regions[i].writable = true; });
      }
      while (scene_.regions[i].bytes > kPageBytes &&
             attempt([i](Case& next) { next.regions[i].bytes -= kPageBytes; })) {
        progress_ = true;
      }
    }
  }

  Case scene_;
  const std::function<bool(const Case&)>& fails_;
  bool progress_ = false;
  unsigned tries_ = 0;
};

}  // namespace

Case shrink(Case scene, unsigned plainest, const std::function<bool(const Case&)>& fails) {
  return Shrinker(std::move(scene), fails).shrink(plainest);
}

}  // namespace prd32::oracle
