// SPDX-License-Identifier: Apache-2.0
#include "negotiation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace prd32 {
namespace {

std::optional<std::string> answer(std::string_view text) {
  const std::string data(text);  // with its NUL
  const auto negotiated = negotiate(std::as_bytes(std::span(data.c_str(), data.size() + 1)));
  return negotiated ? std::optional(negotiated->answer) : std::nullopt;
}

std::uint64_t max_data(std::string_view text) {
  const std::string data(text);
  const auto negotiated = negotiate(std::as_bytes(std::span(data.c_str(), data.size() + 1)));
  return negotiated ? negotiated->client_max_data : 0;
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
  const auto nothing = negotiate({});
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->answer, "");
  EXPECT_EQ(nothing->client_max_data, kDefaultMaxData);
}

TEST(Negotiation, ClientsLimitIsKept) {
  EXPECT_EQ(max_data(R"({"capabilities":{"max_data_xfer_size":512}})"), 512U);
  EXPECT_EQ(max_data(R"({"capabilities":{"pgsizes":4096}})"), kDefaultMaxData);
  EXPECT_EQ(answer(R"({"capabilities":{"max_data_xfer_size":512}})"),
            R"({"capabilities":{"max_data_xfer_size":65536}})")
      << "ours is told in return";
}

TEST(Negotiation, RefusesWhatIsNoNegotiation) {
  for (const char* text : {"", "[]", "1", "{", R"({"capabilities":[]})", R"({"capabilities":{"max_msg_fds":-1}})",
                           R"({"capabilities":{"max_msg_fds":1.5}})", R"({"capabilities":{"max_data_xfer_size":0}})",
                           R"({"capabilities":{"write_multiple":1}})"}) {
    EXPECT_EQ(answer(text), std::nullopt) << text;
  }
  std::string longest(kMaxVersionData, ' ');
  longest += "{}";
  EXPECT_EQ(answer(longest), std::nullopt);
  const std::string open = "{}";
  EXPECT_FALSE(negotiate(std::as_bytes(std::span(open.data(), open.size())))) << "no NUL";
}

}  // namespace
}  // namespace prd32
