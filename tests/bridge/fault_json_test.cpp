// SPDX-License-Identifier: Apache-2.0
#include "fault_json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace prd32 {
namespace {

FaultRule read(const std::string& text) {
  Mistake mistake;
  const FaultRule rule = rule_from(nlohmann::json::parse(text), 2, 3, mistake);
  EXPECT_EQ(mistake.text(), "");
  return rule;
}

std::string refusal_of(const std::string& text) {
  Mistake mistake;
  (void)rule_from(nlohmann::json::parse(text), 2, 3, mistake);
  return mistake.text();
}

TEST(FaultJsonTest, WhatIsNotSaid) {
  const FaultRule rule = read(R"({"fault": "abort", "on": "dma-read"})");
  EXPECT_EQ(rule.fault, FaultKind::kAbort);
  EXPECT_TRUE(rule.on.has(TransactionKind::kDmaRead));
  EXPECT_FALSE(rule.on.has(TransactionKind::kDmaWrite));
  EXPECT_EQ(rule.count, 1U);
  EXPECT_EQ(rule.every, 1U);
  EXPECT_EQ(rule.after, 0U);
  EXPECT_FALSE(rule.probability);
  EXPECT_EQ(rule.survives, Survives::kNothing);
  EXPECT_EQ(read(R"({"fault": "duplicate", "on": "interrupt"})").delay_ms, 1U);
  EXPECT_EQ(read(R"({"fault": "write-after-abort", "on": "dma-read"})").bytes, 16U);
}

TEST(FaultJsonTest, ThereAndBack) {
  for (const char* text :
       {R"({"fault":"abort","on":["dma-read","table-fetch"],"channel":1,"after":2,"count":0,"every":3})",
        R"({"fault":"drop","on":["interrupt"],"vector":2,"probability":0.5,"seed":18446744073709551615})",
        R"({"fault":"stall","on":["dma-write"],"prd_index":4095,"addresses":[4096,8191],"for_ms":5,"survives":"stop"})",
        R"({"fault":"late","on":["interrupt"],"delay_ms":7})", R"({"fault":"abort","on":["writeback","command"]})",
        R"({"fault":"spurious","on":["register-write"],"interrupt":0})",
        R"({"fault":"short","on":["dma-write"],"bytes":100})"}) {
    EXPECT_EQ(to_json(read(text)).dump(), text);
  }
}

TEST(FaultJsonTest, MistakesAreNamed) {
  EXPECT_NE(refusal_of(R"({"fault": "abort", "on": "dma-read", "chanel": 0})").find("\"chanel\""), std::string::npos);
  EXPECT_NE(refusal_of(R"({"fault": "abort", "on": "dma-read", "survives": "stop"})").find("means nothing to"),
            std::string::npos);
  EXPECT_NE(refusal_of(R"({"fault": "stall", "on": "dma-read", "for_ms": 3600001})").find("1 to 3600000"),
            std::string::npos);
  EXPECT_NE(refusal_of(R"({"fault": "late", "on": "interrupt"})").find("\"delay_ms\""), std::string::npos);
  EXPECT_NE(refusal_of(R"({"fault": "wobble", "on": "interrupt"})").find("write-after-abort"), std::string::npos);
}

}  // namespace
}  // namespace prd32
