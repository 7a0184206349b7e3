// SPDX-License-Identifier: Apache-2.0
// prd32-fuzz: what libFuzzer calls.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <systemc>

#include "mutate.hpp"
#include "player.hpp"

namespace {

/// Never destroyed: SystemC's own end comes at an unknown time.
prd32::fuzz::Stations& stations() {
  static auto* const all = new prd32::fuzz::Stations(prd32::fuzz::make_stations(false));
  return *all;
}

/// At most `most` bytes of the script are left in data.
std::size_t put(const prd32::fuzz::Script& script, std::uint8_t* data, std::size_t most) {
  std::array<std::uint8_t, prd32::fuzz::kMaxBytes> bytes{};
  const std::size_t size = std::min(prd32::fuzz::encode(script, bytes), most);
  std::memcpy(data, bytes.data(), size);
  return size;
}

}  // namespace

extern "C" {

int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  (void)stations();
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto complaint = prd32::fuzz::play(prd32::fuzz::decode({data, size}), stations())) {
    (void)std::fprintf(stderr, "prd32-fuzz: %s\n", complaint->c_str());
    std::abort();
  }
  return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  prd32::fuzz::Random random(seed);
  prd32::fuzz::Script script = prd32::fuzz::decode({data, size});
  prd32::fuzz::mutate(script, random);
  return put(script, data, most);
}

std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size, const std::uint8_t* other,
                                      std::size_t other_size, std::uint8_t* out, std::size_t most, unsigned seed) {
  prd32::fuzz::Random random(seed);
  return put(prd32::fuzz::cross(prd32::fuzz::decode({one, one_size}), prd32::fuzz::decode({other, other_size}), random),
             out, most);
}

// The stacks of SystemC's processes are not where the sanitizers look for frames, and for pointers to what is not
// leaked.
const char* __asan_default_options() {
  return "detect_stack_use_after_return=0:detect_leaks=0:quarantine_size_mb=8";
}

}  // extern "C"

// The library of SystemC asks for it; libFuzzer brings the main() that runs.
int sc_main(int /*argc*/, char** /*argv*/) {
  return EXIT_SUCCESS;
}
