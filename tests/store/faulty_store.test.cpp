// SPDX-License-Identifier: MIT
// A faulty_store fails the call that it was told to fail, and no other.
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <optional>

#include "support/catch.hpp"

namespace {

using peal::store_errc;
using peal::testing::fault_point;

/// Commits the next event; the code of what it throws.
std::optional<store_errc> append(peal::store& s) {
  peal::store_batch b;
  peal::stored_event e;
  e.topic = "shop.orders";
  e.position = s.range("shop.orders").next;
  e.name = "shop.order";
  b.events = {e};
  try {
    s.commit(b);
  } catch (const peal::store_error& refused) {
    return refused.code();
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("faulty_store: the n-th change fails once", "[testing][store]") {
  peal::memory_store kept;
  peal::testing::faulty_store s{&kept};
  s.fail(3, store_errc::no_space);
  CHECK(append(s) == std::nullopt);
  CHECK(append(s) == std::nullopt);
  CHECK(append(s) == store_errc::no_space);
  CHECK(append(s) == std::nullopt);
  CHECK(kept.range("shop.orders").next == 3);
  CHECK(s.changes() == 4);
}

TEST_CASE("faulty_store: after io it is poisoned until it recovers, and reading goes on", "[testing][store]") {
  peal::memory_store kept;
  peal::testing::faulty_store s{&kept};
  s.fail(1, store_errc::io);
  CHECK(append(s) == store_errc::io);
  CHECK(append(s) == store_errc::poisoned);
  CHECK_THROWS_AS(s.trim("shop.orders", 1), peal::store_error);
  CHECK(s.range("shop.orders") == peal::topic_range{});
  s.recover();
  CHECK(append(s) == std::nullopt);
}

TEST_CASE("faulty_store: a change may happen although it throws", "[testing][store]") {
  peal::memory_store kept;
  peal::testing::faulty_store s{&kept};
  s.fail(1, store_errc::io, fault_point::after);
  CHECK(append(s) == store_errc::io);
  CHECK(kept.range("shop.orders").next == 1);
}

TEST_CASE("faulty_store: questions fail as often as it was told", "[testing][store]") {
  peal::memory_store kept;
  peal::testing::faulty_store s{&kept};
  CHECK(append(s) == std::nullopt);
  const auto asked = s.reads();
  s.fail_reads(2, store_errc::corrupt);
  CHECK_THROWS_AS(s.range("shop.orders"), peal::store_error);
  CHECK_THROWS_AS(s.read("shop.orders", 0, 1, [](const peal::stored_event&) {}), peal::store_error);
  CHECK(s.range("shop.orders").next == 1);
  CHECK(s.reads() == asked + 3);
}
