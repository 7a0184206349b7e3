// SPDX-License-Identifier: Apache-2.0
// The C interface where there is no card: errors are numbers, their text is this thread's. tests/driver has the rest.
#include <gtest/gtest.h>
#include <prd32/prd32.h>

#include <cerrno>
#include <string>
#include <thread>

extern "C" int prd32_c_open(const char* path);

namespace {

TEST(CApi, ErrorsAreNegative) {
  EXPECT_EQ(prd32_c_open("/dev/no-such-card"), -ENOENT);
  EXPECT_EQ(std::string(prd32_error()), "cannot open /dev/no-such-card: No such file or directory");
  EXPECT_EQ(prd32_c_open("/dev/null"), -ENOTTY);
  EXPECT_NE(std::string(prd32_error()).find("/dev/null: this is no prd32 card"), std::string::npos);
}

TEST(CApi, ErrorsAreTheThreads) {
  EXPECT_EQ(prd32_c_open("/dev/no-such-card"), -ENOENT);
  std::thread([] { EXPECT_EQ(std::string(prd32_error()), ""); }).join();
}

TEST(CApi, NothingMayBeFreed) {
  prd32_close(nullptr);
  prd32_buffer_free(nullptr);
  prd32_request_free(nullptr);
}

}  // namespace
