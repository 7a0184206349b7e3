// SPDX-License-Identifier: Apache-2.0
#include "prd32/copy.hpp"

#include <cstddef>
#include <cstring>
#if defined(__SSE2__)
#include <cpuid.h>
#include <emmintrin.h>
#endif

namespace prd32 {

#if defined(__SSE2__)
namespace {

// An ordinary store fetches its line from memory before it overwrites it; that is as dear as what is copied. Below this
// many bytes the wait for the last store costs more than that saves; docs/benchmarks.md.
constexpr std::size_t kWorthwhile = 16 * 1024;

constexpr std::size_t kLine = 64;

/// to lies at a multiple of 16; count lines of 64 bytes.
void stream_lines(std::uint8_t* to, const std::uint8_t* from, std::size_t count) {
  for (; count != 0; --count, to += kLine, from += kLine) {
    const auto* const in = reinterpret_cast<const __m128i*>(from);
    auto* const out = reinterpret_cast<__m128i*>(to);
    const __m128i first = _mm_loadu_si128(in);
    const __m128i second = _mm_loadu_si128(in + 1);
    const __m128i third = _mm_loadu_si128(in + 2);
    const __m128i fourth = _mm_loadu_si128(in + 3);
    _mm_stream_si128(out, first);
    _mm_stream_si128(out + 1, second);
    _mm_stream_si128(out + 2, third);
    _mm_stream_si128(out + 3, fourth);
  }
}

/// Whether it has FSRM (CPUID 7, EDX bit 4): then memcpy() moves whole lines without fetching them first, and leaves
/// them in the cache besides.
bool processor_moves_strings_fast() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  constexpr unsigned kFsrm = 1U << 4U;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kFsrm) != 0;
}

}  // namespace
#endif

void copy_past_cache(std::span<std::uint8_t> to, std::span<const std::uint8_t> from) {
#if defined(__SSE2__)
  if (from.size() >= kWorthwhile) {
    const std::size_t head = -reinterpret_cast<std::uintptr_t>(to.data()) % kLine;
    const std::size_t lines = (from.size() - head) / kLine;
    std::memcpy(to.data(), from.data(), head);
    stream_lines(to.data() + head, from.data() + head, lines);
    const std::size_t done = head + lines * kLine;
    _mm_sfence();  // these stores alone may be overtaken by later ones
    to = to.subspan(done);
    from = from.subspan(done);
  }
#endif
  if (!from.empty()) {
    std::memcpy(to.data(), from.data(), from.size());
  }
}

void copy_to_memory(std::span<std::uint8_t> to, std::span<const std::uint8_t> from) {
#if defined(__SSE2__)
  static const bool plain = processor_moves_strings_fast();
  if (plain && !from.empty()) {
    std::memcpy(to.data(), from.data(), from.size());
    return;
  }
#endif
  copy_past_cache(to, from);
}

}  // namespace prd32
