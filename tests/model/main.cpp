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
  prd32::test::Bench silicon("silicon", {.memory_size = prd32::limits::kMemoryMin,
                                         .profile = prd32::test::switched(prd32::regs::Mode::kSilicon),
                                         .timing = {}});
  prd32::test::Bench tolerant("tolerant", {.memory_size = prd32::limits::kMemoryMin,
                                           .profile = prd32::test::switched(prd32::regs::Mode::kIgnore),
                                           .timing = {}});
  prd32::test::Bench severe("severe", {.memory_size = prd32::limits::kMemoryMin,
                                       .profile = prd32::test::switched(prd32::regs::Mode::kError),
                                       .timing = {}});
  prd32::Timing on_a_link;
  on_a_link.link = prd32::LinkConfig{};
  prd32::test::Bench linked("linked", {.timing = on_a_link});
  prd32::test::Bench seed("seed", {.profile = prd32::load_profile("seed"), .timing = {}});
  prd32::test::set_benches({&normal, &small, &silicon, &tolerant, &severe, &linked, &seed});
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  return RUN_ALL_TESTS();
}
