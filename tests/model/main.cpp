// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <systemc>

#include "bench.hpp"

int sc_main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  prd32::test::try_impossible_card();
  prd32::test::Bench normal("normal", {});
  prd32::Profile in_words = prd32::regs::kProfiles.front();
  in_words.granule_log2 = 2;
  prd32::test::Bench small("small", {.memory_size = prd32::limits::kMemoryMin, .profile = in_words, .timing = {}});
  prd32::test::set_benches(normal, small);
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  return RUN_ALL_TESTS();
}
