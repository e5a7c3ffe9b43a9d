// SPDX-License-Identifier: MIT
// The outbox: what is committed is published in order, once more after a crash, and holds nobody up who could go on.
#include <peal/pattern/event_streams.hpp>
#include <peal/pattern/outbox_relay.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/stepped_runtime.hpp>
#include <peal/testing/store_wrapper.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/bus_fixture.hpp"
#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;

struct order_v1 {
  std::string id;
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order_v1::id});
};
struct order {
  std::string id;
  std::int64_t cents{};
  using previous = order_v1;
  static order upcast(order_v1&& old) { return {std::move(old.id), 100}; }
  static constexpr peal::event_name name{"shop.order", 2};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"cents", &order::cents});
};
struct refund {
  std::string id;
  static constexpr peal::event_name name{"shop.refund", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &refund::id});
};

using shop = peal::testing::stepped_bus<peal::topic<order, refund>>;
using shop_outbox = peal::outbox<order, refund>;

/// A process's life: a bus and a relay over a store that outlives them.
struct life {
  shop bus{{.seed = 5}};
  std::vector<std::string> seen;
  std::vector<peal::event_id> correlations;
  bool failing = false;
  peal::subscription books = bus.subscribe<order, refund>(
      "books",
      [this](const auto& e, peal::delivery& d) {
        if (failing) throw std::runtime_error("the gateway is gone");
        seen.push_back(e.id);
        correlations.push_back(d.correlation());
      },
      peal::otherwise(peal::backoff{.attempts = 100, .first = 1h, .cap = 1h, .spread = peal::jitter::none}));
  std::optional<peal::outbox_relay<shop, order, refund>> relay;

  explicit life(shop_outbox& out, const peal::outbox_relay_options& o = {}) { relay.emplace(out, bus, o); }
};

std::vector<std::string> numbered(std::size_t n) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < n; ++i) all.push_back(std::to_string(i));
  return all;
}

}  // namespace

TEST_CASE("outbox: what is committed is published in the order of the commits", "[pattern][outbox]") {
  peal::memory_store kept;
  shop_outbox out{kept};
  CHECK(out.publish(order{"0", 1}, refund{"1"}) == 0);
  CHECK(out.publish(refund{"2"}) == 2);
  std::vector<std::string> types;
  kept.types([&](const peal::stored_type& t) { types.emplace_back(t.schema); });
  CHECK(types == std::vector<std::string>{"{id:str,cents:i64}", "{id:str}"});
  life now{out};
  CHECK(now.relay->pump() == 3);
  CHECK(now.seen == numbered(3));
  CHECK(now.relay->position() == 3);
  CHECK(now.correlations[0] != now.correlations[1]);
  CHECK(now.relay->pump() == 0);
}

TEST_CASE("outbox: events whose end is not known are published again after a crash, with the same correlation",
          "[pattern][outbox][P31]") {
  peal::memory_store kept;
  shop_outbox out{kept};
  for (const std::string& id : numbered(5)) out.publish(order{id, 1});
  std::vector<peal::event_id> before;
  {
    life first{out};
    first.failing = true;
    CHECK(first.relay->pump() == 5);
    CHECK(first.relay->position() == 0);
  }
  {
    life second{out};
    CHECK(second.relay->pump() == 5);
    CHECK(second.seen == numbered(5));
    before = second.correlations;
  }
  life third{out};
  CHECK(third.relay->position() == 5);
  CHECK(third.relay->pump() == 0);
  CHECK(before.size() == 5);
  CHECK(before[4].position() == 4);
}

TEST_CASE("outbox: an event in a back-off holds the position, not the others, until the window is full",
          "[pattern][outbox]") {
  peal::memory_store kept;
  shop_outbox out{kept};
  life now{out, {.window = 4, .trim = false}};
  now.failing = true;
  out.publish(order{"slow", 1});
  CHECK(now.relay->pump() == 1);
  now.failing = false;
  for (const std::string& id : numbered(9)) out.publish(order{id, 1});
  CHECK(now.relay->pump() == 3);
  CHECK(now.relay->pump() == 0);
  CHECK(now.seen == numbered(3));
  CHECK(now.relay->position() == 0);
  now.bus.runtime().advance(1h);
  CHECK(now.relay->pump() == 0);
  CHECK(now.relay->position() == 4);
  CHECK(now.relay->pump() == 4);
  CHECK(now.relay->pump() == 2);
  CHECK(now.relay->position() == 10);
}

TEST_CASE("outbox: an older version is brought up to date, what cannot be read becomes a letter with its bytes",
          "[pattern][outbox]") {
  peal::memory_store kept;
  peal::byte_buffer old;
  peal::encode(order_v1{"old"}, old);
  const peal::byte_buffer broken{std::byte{0x91}};
  peal::store_batch b;
  const auto add = [&](std::string_view name, std::uint32_t version, const peal::byte_buffer& bytes) {
    peal::stored_event& e = b.events.emplace_back();
    e.topic = "outbox";
    e.position = b.events.size() - 1;
    e.name = name;
    e.version = version;
    e.payload = bytes;
  };
  add("shop.order", 1, old);
  add("shop.order", 2, broken);
  add("shop.order", 7, old);
  add("shop.bill", 1, old);
  kept.commit(b);
  shop_outbox out{kept};
  out.publish(refund{"last"});
  life now{out};
  CHECK(now.relay->pump() == 5);
  CHECK(now.seen == std::vector<std::string>{"old", "last"});
  CHECK(now.relay->position() == 5);
  std::vector<std::string> why;
  kept.letters("outbox", [&](const peal::stored_letter& l) {
    CHECK(l.cause == peal::dead_cause::undecodable);
    CHECK(l.number == l.event.position + 1);
    CHECK(l.event.payload.size() == (l.event.position == 1 ? broken : old).size());
    why.emplace_back(reinterpret_cast<const char*>(l.errors.data()), l.errors.size());
  });
  REQUIRE(why.size() == 3);
  CHECK_THAT(why[0], peal_test::contains_text("shop.order cannot be decoded"));
  CHECK_THAT(why[1], peal_test::contains_text("it is of version 7, this program knows none above 2"));
  CHECK_THAT(why[2], peal_test::contains_text("this program's outbox has no such event"));
}

TEST_CASE("outbox: events that everybody is done with leave the store", "[pattern][outbox]") {
  peal::memory_store kept;
  shop_outbox out{kept};
  life now{out, {.window = 8}};
  for (const std::string& id : numbered(20)) out.publish(order{id, 1});
  while (now.relay->position() != 20) now.relay->pump();
  CHECK(kept.range("outbox") == peal::topic_range{16, 20});
  CHECK(now.seen == numbered(20));
  CHECK(out.publish(order{"next", 1}) == 20);
}

TEST_CASE("outbox: a commit that is refused publishes nothing", "[pattern][outbox]") {
  struct refused {
    void commit(const peal::store_batch&) { throw peal::store_error(peal::store_errc::no_space, "disk", "commit"); }
  } transaction;
  peal::memory_store kept;
  shop_outbox out{kept};
  CHECK_THROWS_AS(out.commit(transaction, order{"x", 1}), peal::store_error);
  life now{out};
  CHECK(now.relay->pump() == 0);
}

TEST_CASE("outbox: threads that publish at once, and a relay on a thread of its own", "[pattern][outbox]") {
  constexpr std::uint64_t each = peal_test::repeat(2'000, 8);
  constexpr std::uint64_t threads = 4;
  const peal_test::watchdog watched{"the outbox's threads"};
  peal::memory_store kept;
  shop_outbox out{kept};
  std::map<char, std::uint64_t> next;
  std::uint64_t inversions = 0;
  std::atomic<std::uint64_t> handled{0};
  peal::bus<peal::topic<order, refund>> bus{{.workers = 2}};
  auto books = bus.subscribe<order>("books", [&](const order& o) {
    inversions += next[o.id[0]]++ == static_cast<std::uint64_t>(o.cents) ? 0U : 1U;
    handled.fetch_add(1);
  });
  peal::outbox_relay relay{out, bus, {.window = 64}};
  relay.start();
  std::vector<std::thread> writers;
  for (std::uint64_t t = 0; t < threads; ++t) {
    writers.emplace_back([&out, t] {
      for (std::uint64_t i = 0; i < each; ++i) {
        out.publish(order{std::string(1, static_cast<char>('a' + t)), static_cast<std::int64_t>(i)});
      }
    });
  }
  for (std::thread& w : writers) w.join();
  while (relay.position() != threads * each) std::this_thread::yield();
  relay.stop();
  std::printf("outbox: offered=%llu handled=%llu inversions=%llu\n", static_cast<unsigned long long>(threads * each),
              static_cast<unsigned long long>(handled.load()), static_cast<unsigned long long>(inversions));
  CHECK(handled == threads * each);
  CHECK(inversions == 0);
  CHECK(relay.failure().empty());
}

TEST_CASE("outbox: a relay publishes what is appended to streams as well, and leaves it there",
          "[pattern][outbox][streams]") {
  const peal_test::watchdog watched{"the relay of streams"};
  peal::memory_store kept;
  peal::event_streams<order, refund> orders{kept, "shop.orders"};
  peal::bus<peal::topic<order, refund>> bus{{.workers = 1}};
  std::atomic<int> handled{0};
  std::atomic<int> foreign{0};
  auto books = bus.subscribe<order, refund>("books", [&](const auto&, peal::delivery& d) {
    foreign += d.correlation() == peal::event_id{1, 2} ? 0 : 1;
    ++handled;
  });
  orders.append("o-1", peal::no_stream, {.correlation = {1, 2}}, order{"o-1", 1});
  {
    peal::outbox_relay relay{orders, bus, {.window = 2, .look_every = 1h}};
    relay.start();
    while (relay.position() != 1) std::this_thread::yield();
    for (std::uint64_t version = 1; version != 6; ++version) {
      orders.append("o-1", version, {.correlation = {1, 2}}, refund{"o-1"});
    }
    while (relay.position() != 6) std::this_thread::yield();
  }
  CHECK(handled == 6);
  CHECK(foreign == 0);
  CHECK(kept.range("shop.orders") == peal::topic_range{0, 6});
}

TEST_CASE("outbox: a relay whose store says no keeps the reason, and goes on when it can", "[pattern][outbox]") {
  struct moody final : peal::testing::store_wrapper {
    using store_wrapper::store_wrapper;
    std::atomic<bool> refuses{true};
    void commit(const peal::store_batch& b) override {
      if (refuses && !b.cursors.empty()) throw peal::store_error(peal::store_errc::no_space, place(), "keep a cursor");
      store_wrapper::commit(b);
    }
  };
  const peal_test::watchdog watched{"the relay of a moody store"};
  peal::memory_store inner;
  moody kept{&inner};
  peal::outbox<order> out{kept};
  peal::bus<order> bus{{.workers = 1}};
  std::atomic<int> handled{0};
  auto books = bus.subscribe<order>("books", [&](const order&) { ++handled; });
  peal::outbox_relay relay{out, bus, {.look_every = 1ms}};
  relay.start();
  out.publish(order{"x", 1});
  while (relay.failure().empty()) std::this_thread::yield();
  CHECK(relay.position() == 0);
  kept.refuses = false;
  while (relay.position() != 1) std::this_thread::yield();
  CHECK(handled == 1);
}
