// SPDX-License-Identifier: Apache-2.0
#include "negotiation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace prd32 {
namespace {

std::optional<std::string> answer(std::string_view text) {
  const std::string data(text);  // with its NUL
  return answer_capabilities(std::as_bytes(std::span(data.c_str(), data.size() + 1)));
}

TEST(Negotiation, AnswersOnlyWhatWasProposed) {
  EXPECT_EQ(answer(R"({"capabilities":{"pgsizes":4096,"unknown":[1,2]}})"), R"({"capabilities":{"pgsizes":4096}})");
  EXPECT_EQ(answer("{}"), R"({"capabilities":{}})");
}

TEST(Negotiation, FeatureNeedsBothSides) {
  EXPECT_EQ(answer(R"({"capabilities":{"write_multiple":false}})"), R"({"capabilities":{"write_multiple":false}})");
  EXPECT_EQ(answer(R"({"capabilities":{"write_multiple":true}})"), R"({"capabilities":{"write_multiple":true}})");
}

TEST(Negotiation, NothingIsAnsweredWithNothing) {
  EXPECT_EQ(answer_capabilities({}), "");
}

TEST(Negotiation, RefusesWhatIsNoNegotiation) {
  for (const char* text : {"", "[]", "1", "{", R"({"capabilities":[]})", R"({"capabilities":{"max_msg_fds":-1}})",
                           R"({"capabilities":{"max_msg_fds":1.5}})", R"({"capabilities":{"write_multiple":1}})"}) {
    EXPECT_EQ(answer(text), std::nullopt) << text;
  }
  EXPECT_EQ(answer(std::string(kMaxVersionData, ' ') + "{}"), std::nullopt);
  const std::string open = "{}";
  EXPECT_EQ(answer_capabilities(std::as_bytes(std::span(open.data(), open.size()))), std::nullopt) << "no NUL";
}

}  // namespace
}  // namespace prd32
