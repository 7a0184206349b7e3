// SPDX-License-Identifier: Apache-2.0
#include "timers.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <string>

namespace prd32 {
namespace {

using std::chrono::milliseconds;

/// Waits until something is due, and does it.
bool run_next(Timers& timers) {
  pollfd ready{.fd = timers.fd(), .events = POLLIN, .revents = 0};
  const bool due = ::poll(&ready, 1, 10000) == 1;
  timers.run();
  return due;
}

bool due_now(const Timers& timers) {
  pollfd ready{.fd = timers.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, 0) == 1;
}

TEST(TimersTest, InTheOrderOfTheirTimes) {
  Timers timers;
  std::string done;
  timers.after(milliseconds(30), [&] { done += 'c'; });
  timers.after(milliseconds(10), [&] { done += 'a'; });
  timers.after(milliseconds(20), [&] { done += 'b'; });
  while (done.size() < 3) {
    ASSERT_TRUE(run_next(timers));
  }
  EXPECT_EQ(done, "abc");
  EXPECT_FALSE(due_now(timers));
}

TEST(TimersTest, NoTimeIsNow) {
  Timers timers;
  bool done = false;
  EXPECT_EQ(timers.after(milliseconds(0), [&] { done = true; }), 0U);
  EXPECT_TRUE(done);
}

TEST(TimersTest, Cancelled) {
  Timers timers;
  std::string done;
  const Timers::Id first = timers.after(milliseconds(1), [&] { done += 'a'; });
  timers.after(milliseconds(2), [&] { done += 'b'; });
  timers.cancel(first);
  timers.cancel(first);
  timers.cancel(0);
  ASSERT_TRUE(run_next(timers));
  EXPECT_EQ(done, "b");
}

TEST(TimersTest, AnActionMayAddAndCancel) {
  Timers timers;
  std::string done;
  Timers::Id other = 0;
  timers.after(milliseconds(1), [&] {
    timers.cancel(other);
    timers.after(milliseconds(1), [&] { done += 'a'; });
  });
  other = timers.after(milliseconds(1), [&] { done += 'b'; });
  while (done.empty()) {
    ASSERT_TRUE(run_next(timers));
  }
  EXPECT_EQ(done, "a");
}

TEST(TimersTest, TooManyAreDoneAtOnce) {
  Timers timers;
  std::size_t done = 0;
  for (std::size_t i = 0; i < Timers::kMost + 5; ++i) {
    timers.after(std::chrono::hours(1), [&] { ++done; });
  }
  EXPECT_EQ(done, 5U);
}

}  // namespace
}  // namespace prd32
