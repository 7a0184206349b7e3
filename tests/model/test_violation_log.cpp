// SPDX-License-Identifier: Apache-2.0
// The violation log as a file format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "prd32/violation.hpp"

namespace prd32 {
namespace {

/// Remembers what was in it at each flush, and can refuse to take more.
class Disk : public std::stringbuf {
 public:
  std::vector<std::string> flushed;
  bool full = false;

 protected:
  int sync() override {
    flushed.push_back(str());
    return full ? -1 : 0;
  }
};

std::vector<nlohmann::json> lines(const std::string& text) {
  std::vector<nlohmann::json> parsed;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    parsed.push_back(nlohmann::json::parse(line));
  }
  return parsed;
}

const Violation kBreach{.rule = "prd-cross-64k",
                        .severity = severity::kError,
                        .channel = 1,
                        .prd_index = 42,
                        .address = 0xfedc1234,
                        .detail = "a \"quoted\" text\nof two lines"};

TEST(ViolationLog, WritesEverythingAsOneJsonLine) {
  std::ostringstream out;
  JsonViolationLog log(out, [] { return std::uint64_t{1234}; });
  log.record(kBreach);
  log.record(Violation{.rule = "other", .severity = severity::kWarning});
  const auto written = lines(out.str());
  ASSERT_EQ(written.size(), 2U);
  EXPECT_EQ(written[0]["seq"], 0);
  EXPECT_EQ(written[0]["sim_ns"], 1234);
  EXPECT_THAT(written[0]["wall"].get<std::string>(),
              testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z"));
  EXPECT_EQ(written[0]["rule"], "prd-cross-64k");
  EXPECT_EQ(written[0]["severity"], "error");
  EXPECT_EQ(written[0]["channel"], 1);
  EXPECT_EQ(written[0]["prd_index"], 42);
  EXPECT_EQ(written[0]["address"], 0xfedc1234);
  EXPECT_EQ(written[0]["detail"], kBreach.detail);
  EXPECT_EQ(written[1]["seq"], 1);
  EXPECT_EQ(written[1]["channel"], -1);
  EXPECT_EQ(written[1]["prd_index"], -1);
  EXPECT_EQ(log.recorded(), 2U);
  EXPECT_EQ(log.lost(), 0U);
}

TEST(ViolationLog, FlushesEachLine) {
  Disk disk;
  std::ostream out(&disk);
  JsonViolationLog log(out, [] { return std::uint64_t{0}; });
  log.record(kBreach);
  ASSERT_EQ(disk.flushed.size(), 1U);
  EXPECT_EQ(lines(disk.flushed[0]).size(), 1U);
}

TEST(ViolationLog, IsBoundedAndSaysSo) {
  std::ostringstream out;
  JsonViolationLog log(out, [] { return std::uint64_t{0}; }, 3);
  for (int i = 0; i < 10; ++i) {
    log.record(kBreach);
  }
  const auto written = lines(out.str());
  ASSERT_EQ(written.size(), 4U);
  EXPECT_EQ(written[2]["rule"], "prd-cross-64k");
  EXPECT_EQ(written[3]["rule"], "log-full");
  EXPECT_EQ(log.recorded(), 10U);
  EXPECT_EQ(log.lost(), 7U);
}

TEST(ViolationLog, CountsWhatADiskRefusedAndGoesOn) {
  Disk disk;
  std::ostream out(&disk);
  JsonViolationLog log(out, [] { return std::uint64_t{0}; });
  disk.full = true;
  log.record(kBreach);
  EXPECT_EQ(log.lost(), 1U);
  disk.full = false;
  log.record(kBreach);
  EXPECT_EQ(log.lost(), 1U);
  EXPECT_EQ(log.recorded(), 2U);
}

}  // namespace
}  // namespace prd32
