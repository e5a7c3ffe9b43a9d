// SPDX-License-Identifier: MIT
// A service that takes orders and ships them through an outbox is killed at any moment: each order is shipped once. POSIX.
#pragma once

#include <peal/codec/fields.hpp>
#include <peal/core/event_name.hpp>
#include <peal/testing/contract/detail/child.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/stress_options.hpp"
#include "support/temporary_folder.hpp"

namespace peal_test {

struct order {
  std::int64_t id{};
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

/// What the service has written down in the end.
struct order_books {
  std::int64_t orders = 0;
  std::int64_t shipped = 0;
  std::int64_t lost = 0;       ///< orders that were not shipped
  std::int64_t strangers = 0;  ///< shipped without an order
  std::int64_t twice = 0;      ///< effects beyond the first of an order
  std::int64_t again = 0;      ///< deliveries beyond the first: allowed, without effect
};

/// `Service(path)` starts; `place_order()` returns its number, from 1 on; `finish()` waits until all is shipped; `books()`.
template <class Service>
void ships_once_whatever_is_killed(const char* where) {
  namespace cases = peal::testing::contract_cases;
  const std::uint64_t kills = scaled(60);
  std::mt19937_64 random{seed()};
  const temporary_folder folder;
  const std::string path = folder.path("shop");
  std::int64_t acknowledged = 0;
  for (std::uint64_t i = 0; i < kills; ++i) {
    cases::channel placed;
    cases::child process{[&] {
      Service s{path};
      for (std::int64_t id = 0; placed.write(&id, sizeof id); id = s.place_order()) continue;
    }};
    placed.close_writing();
    std::int64_t last = 0;
    std::int64_t heard = 0;
    for (std::uint64_t n = 1 + random() % 20; n != 0 && placed.read(&heard, sizeof heard) == sizeof heard; --n) {
      if (heard != 0) last = heard;
    }
    const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 2'000);
    while (std::chrono::steady_clock::now() < moment) std::this_thread::yield();
    process.kill();
    REQUIRE(process.was_killed());
    while (placed.read(&heard, sizeof heard) == sizeof heard) last = heard;
    if (last > acknowledged) acknowledged = last;
  }
  Service s{path};
  s.finish();
  const order_books b = s.books();
  std::printf(
      "  outbox in %s, killed: seed=%llu kills=%llu acknowledged=%lld orders=%lld shipped=%lld lost=%lld "
      "duplicated effects=%lld delivered again=%lld\n",
      where, static_cast<unsigned long long>(seed()), static_cast<unsigned long long>(kills),
      static_cast<long long>(acknowledged), static_cast<long long>(b.orders), static_cast<long long>(b.shipped),
      static_cast<long long>(b.lost), static_cast<long long>(b.twice), static_cast<long long>(b.again));
  CHECK(b.orders >= acknowledged);
  CHECK(b.lost == 0);
  CHECK(b.strangers == 0);
  CHECK(b.twice == 0);
  CHECK(b.shipped == b.orders);
}

}  // namespace peal_test
