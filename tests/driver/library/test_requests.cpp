// SPDX-License-Identifier: Apache-2.0
// Transfers that nobody waits for yet: outcomes find the request that they belong to.
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <future>
#include <prd32/prd32.hpp>
#include <set>
#include <vector>

#include "fake_driver.hpp"

namespace prd32::test {
namespace {

using namespace std::chrono_literals;

class RequestTest : public testing::Test {
 protected:
  Request submit() { return device.submit(Transfer::to_card(0, data)).value(); }
  FakeDriver driver;
  Device device = Device::open(FakeDriver::kPath, OpenMode::kReadWrite, driver).value();
  std::array<std::byte, 64> data{};
};

TEST_F(RequestTest, HasAnOutcomeOnce) {
  Request request = submit();
  driver.finish(request.cookie());
  const Outcome outcome = request.wait().value();
  EXPECT_EQ(outcome.moved, data.size());
  EXPECT_EQ(outcome.error, 0);
  EXPECT_EQ(request.wait().error().code, EINVAL);
  EXPECT_EQ(request.abort().error().code, ENOENT);
}

TEST_F(RequestTest, ErrorsArePositive) {
  Request request = submit();
  driver.finish(request.cookie(), EIO);
  EXPECT_EQ(request.wait().value().error, EIO);
}

TEST_F(RequestTest, WaitsAsLongAsItIsTold) {
  Request request = submit();
  EXPECT_EQ(request.wait(1ms).error().code, ETIMEDOUT);
  EXPECT_EQ(request.wait(0ms).error().code, ETIMEDOUT);
  EXPECT_FALSE(request.poll().value().has_value());
  driver.finish(request.cookie());
  EXPECT_TRUE(request.poll().value().has_value());
}

TEST_F(RequestTest, AVeryLongWaitIsOneForEver) {
  Request request = submit();
  const std::uint64_t cookie = request.cookie();
  auto waiting = std::async(std::launch::async, [&] { return request.wait(std::chrono::nanoseconds::max()); });
  driver.expect_waiting(1);
  EXPECT_EQ(waiting.wait_for(20ms), std::future_status::timeout);
  driver.finish(cookie);
  EXPECT_TRUE(waiting.get());
}

TEST_F(RequestTest, OutcomesMayComeInAnyOrder) {
  Request first = submit();
  Request second = submit();
  EXPECT_NE(first.cookie(), second.cookie());
  driver.finish(first.cookie(), EIO);
  driver.finish(second.cookie());
  EXPECT_EQ(second.wait().value().error, 0);
  EXPECT_EQ(first.wait(0ms).value().error, EIO);
}

TEST_F(RequestTest, SignalsDoNotEndTheWait) {
  Request request = submit();
  driver.finish(request.cookie());
  driver.interruptions = {EINTR, EINTR};
  EXPECT_TRUE(request.wait());
}

TEST_F(RequestTest, ErrorsOfTheWaitAreTold) {
  Request request = submit();
  driver.interruptions = {ENODEV};
  EXPECT_EQ(request.wait().error().code, ENODEV);
}

TEST_F(RequestTest, ThreadsGetTheirOwnOutcomes) {
  Request first = submit();
  Request second = submit();
  auto wait = [](Request& request) { return request.wait(30s).value().error; };
  auto one = std::async(std::launch::async, wait, std::ref(first));
  auto other = std::async(std::launch::async, wait, std::ref(second));
  driver.expect_waiting(1);
  driver.finish(second.cookie(), EIO);
  EXPECT_EQ(other.get(), EIO);
  driver.expect_waiting(1);
  driver.finish(first.cookie());
  EXPECT_EQ(one.get(), 0);
}

TEST_F(RequestTest, WhatAnotherThreadTookIsThereAtOnce) {
  Request waited = submit();
  Request polled = submit();
  auto waiting = std::async(std::launch::async, [&] { return waited.wait(30s).value().error; });
  driver.expect_waiting(1);
  driver.finish(waited.cookie(), EIO);
  driver.finish(polled.cookie());
  EXPECT_TRUE(polled.poll().value().has_value());  // takes that of the other one, too, and tells it
  EXPECT_EQ(waiting.get(), EIO);
}

TEST_F(RequestTest, WhoPollsTellsWhoWaits) {
  Request waited = submit();
  Request polled = submit();
  auto waiting = std::async(std::launch::async, [&] { return waited.wait(30s).value().error; });
  for (int i = 0; i < 1000; ++i) {  // whoever is first, and whenever
    Request other = submit();
    driver.finish(other.cookie());
    EXPECT_TRUE(other.poll().value().has_value());
  }
  driver.finish(waited.cookie(), EIO);
  static_cast<void>(polled.poll());
  EXPECT_EQ(waiting.get(), EIO);
}

TEST_F(RequestTest, TwoWaitForTheSame) {
  Request request = submit();
  auto wait = [&] {
    const Result<Outcome> outcome = request.wait(30s);
    return outcome ? 0 : outcome.error().code;
  };
  auto one = std::async(std::launch::async, wait);
  auto other = std::async(std::launch::async, wait);
  driver.expect_waiting(1);
  EXPECT_TRUE(request.abort());
  EXPECT_EQ((std::multiset{one.get(), other.get()}), (std::multiset{0, EINVAL}));
}

TEST_F(RequestTest, WaitsForWhatStillRunsWhenTheCardHasLeft) {
  driver.end_at_abort = false;
  Request request = submit();
  const std::uint64_t cookie = request.cookie();
  auto waiting = std::async(std::launch::async, [&] { return request.wait(30s).value().error; });
  driver.expect_waiting(1);
  driver.leave();
  EXPECT_EQ(waiting.wait_for(20ms), std::future_status::timeout);
  driver.finish(cookie, ENODEV);
  EXPECT_EQ(waiting.get(), ENODEV);
  EXPECT_EQ(request.wait().error().code, EINVAL);
}

TEST_F(RequestTest, TheEndOfItsLifeEndsTheTransfer) {
  std::uint64_t cookie = 0;
  {
    const Request request = submit();
    cookie = request.cookie();
  }
  EXPECT_EQ(driver.aborted, std::vector{cookie});
  EXPECT_TRUE(driver.running.empty());
}

TEST_F(RequestTest, TheEndOfItsLifeWaitsForTheDriver) {
  driver.end_at_abort = false;
  auto request = std::make_unique<Request>(submit());
  const std::uint64_t cookie = request->cookie();
  auto gone = std::async(std::launch::async, [&] { request.reset(); });
  driver.expect_waiting(1);
  EXPECT_EQ(driver.aborted, std::vector{cookie});
  EXPECT_EQ(gone.wait_for(0s), std::future_status::timeout);
  driver.finish(cookie);
  EXPECT_EQ(gone.wait_for(30s), std::future_status::ready);
}

TEST_F(RequestTest, AMovedRequestIsNotAborted) {
  Request request = submit();
  Request moved = std::move(request);
  EXPECT_TRUE(driver.aborted.empty());
  Request other = submit();
  const std::uint64_t given_up = moved.cookie();
  moved = std::move(other);
  EXPECT_EQ(driver.aborted, std::vector{given_up});
}

TEST_F(RequestTest, OutcomesThatNobodyAskedForMakeRoom) {
  std::vector<Request> requests;
  for (unsigned i = 0; i < FakeDriver::kMaxResults; ++i) {
    requests.push_back(submit());
  }
  EXPECT_EQ(device.submit(Transfer::to_card(0, data)).error().code, EBUSY);
  driver.finish(requests[2].cookie());
  requests.push_back(submit());
  EXPECT_EQ(requests[2].wait(0ms).value().error, 0);
}

TEST_F(RequestTest, AbortsAll) {
  Request first = submit();
  Request second = submit();
  EXPECT_EQ(device.abort_all().value(), 2U);
  EXPECT_EQ(first.wait().value().error, ECANCELED);
  EXPECT_EQ(second.wait().value().error, ECANCELED);
  EXPECT_EQ(device.abort_all().value(), 0U);
}

TEST_F(RequestTest, NamesItsEvent) {
  const Event event = Event::create().value();
  const Request request = device.submit(Transfer::to_card(0, data), {.eventfd = event.descriptor()}).value();
  EXPECT_EQ(driver.last_submit.flags, unsigned{PRD32_SUBMIT_EVENTFD});
  EXPECT_EQ(driver.last_submit.eventfd, event.descriptor());
}

TEST(EventTest, CountsWhatEnded) {
  const Event event = Event::create().value();
  EXPECT_EQ(event.wait(1ms).error().code, ETIMEDOUT);
  ASSERT_EQ(eventfd_write(event.descriptor(), 2), 0);
  ASSERT_EQ(eventfd_write(event.descriptor(), 1), 0);
  EXPECT_EQ(event.wait(0ms).value(), 3U);
  EXPECT_EQ(event.wait(0ms).error().code, ETIMEDOUT);
}

TEST(EventTest, AVeryLongWaitIsOneForEver) {
  const Event event = Event::create().value();
  for (const auto limit : {std::chrono::milliseconds::max(), std::chrono::milliseconds(24h * 50)}) {
    auto waiting = std::async(std::launch::async, [&] { return event.wait(limit).value(); });
    EXPECT_EQ(waiting.wait_for(20ms), std::future_status::timeout);
    ASSERT_EQ(eventfd_write(event.descriptor(), 1), 0);
    EXPECT_EQ(waiting.get(), 1U);
  }
}

}  // namespace
}  // namespace prd32::test
