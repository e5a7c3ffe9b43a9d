// SPDX-License-Identifier: MIT
// A handler's own writes and the mark that its delivery is done are one commit: neither comes twice, none alone.
#include <peal/bus/durable.hpp>
#include <peal/pattern/outbox.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bus/stepped_support.hpp"
#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;

struct order {
  std::int64_t id{};
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};
struct bill {
  std::int64_t id{};
  static constexpr peal::event_name name{"shop.bill", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &bill::id});
};

using shop = peal::testing::stepped_bus<peal::topic<order, peal::durable>, bill>;

/// A table beside a store, and a transaction of both: what a database under a store does by itself.
struct ledger {
  explicit ledger(peal::store& s) : kept{s} {}

  struct transaction {
    ledger& of;
    std::vector<std::int64_t> rows{};
    void insert(const order& o) { rows.push_back(o.id); }
    void commit(const peal::store_batch& b) {
      of.kept.commit(b);
      for (const std::int64_t id : rows) ++of.rows[id];
    }
  };
  transaction begin() { return {*this}; }
  [[nodiscard]] std::int64_t most() const {
    std::int64_t n = 0;
    for (const auto& [id, times] : rows) n = std::max(n, times);
    return n;
  }

  peal::store& kept;
  std::map<std::int64_t, std::int64_t> rows{};
};

std::vector<std::string> marks_in(const peal::store& kept, const char* subscription) {
  std::vector<std::string> all;
  kept.claims(peal::detail::effects_scope(subscription), [&](const peal::stored_claim& c) { all.emplace_back(c.key); });
  std::sort(all.begin(), all.end());
  return all;
}

void copy_letters(const peal::store& from, peal::store& to) {
  from.letters("", [&](const peal::stored_letter& l) {
    peal::store_batch b;
    b.letters.push_back(l);
    to.commit(b);
  });
}

}  // namespace

TEST_CASE("effect: a handler's rows and the mark of its delivery are there together, and not again after a crash",
          "[bus][durable][P32]") {
  peal::memory_store disk;
  ledger books{disk};
  {
    peal::testing::faulty_store until_then{&disk};
    shop bus{{.seed = 7}, until_then};
    const auto s = bus.subscribe<order>("ledger", [&](const order& o, peal::delivery& d) {
      auto t = books.begin();
      t.insert(o);
      d.commit(t);
      if (o.id == 4) until_then.fail(1, peal::store_errc::io);  // here the process ends: nothing after it is kept
    });
    for (std::int64_t id = 0; id < 5; ++id) bus.publish(order{id});
    (void)bus.settle();
    CHECK(s.statistics().handled == 5);
  }
  CHECK(books.rows.size() == 5);
  REQUIRE(marks_in(disk, "ledger").size() == 5);
  CHECK(marks_in(disk, "ledger")[0] == "shop.order 0");

  shop bus{{.seed = 7}, disk};
  std::vector<std::int64_t> heard;
  const auto other = bus.subscribe<order>(
      "other", [&](const order& o) { heard.push_back(o.id); }, peal::start_at::beginning());
  const auto s = bus.subscribe<order>(
      "ledger",
      [&](const order& o, peal::delivery& d) {
        auto t = books.begin();
        t.insert(o);
        d.commit(t);
      },
      peal::start_at::beginning());
  bus.publish(order{5});
  (void)bus.settle();
  CHECK(heard == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  CHECK(s.statistics().handled == 1);
  CHECK(books.rows.size() == 6);
  CHECK(books.most() == 1);
  bus.runtime().advance(1s);
  CHECK(marks_in(disk, "ledger").empty());  // the cursor says it now
}

TEST_CASE("effect: what a handler throws behind its commit does not bring the delivery back", "[bus][durable][P32]") {
  peal::memory_store disk;
  ledger books{disk};
  shop bus{{.seed = 7}, disk};
  int runs = 0;
  const auto handler = [&](const order& o, peal::delivery& d) -> peal::outcome {
    ++runs;
    auto t = books.begin();
    t.insert(o);
    d.commit(t);
    if (o.id % 3 == 1) throw peal_test::gateway_down();
    if (o.id % 3 == 2) return peal::retry;
    return peal::done;
  };
  peal::subscription s;
  SECTION("one event at a time") { s = bus.subscribe<order>("ledger", handler); }
  SECTION("by key") { s = bus.subscribe<order>("ledger", handler, peal::ordered_by{&order::id}); }
  SECTION("with several hands") { s = bus.subscribe<order>("ledger", handler, peal::concurrency{3}); }
  for (std::int64_t id = 0; id < 6; ++id) bus.publish(order{id});
  (void)bus.settle();
  bus.runtime().advance(1min);
  CHECK(runs == 6);
  CHECK(books.rows.size() == 6);
  CHECK(books.most() == 1);
  CHECK(s.statistics().handled == 6);
  CHECK(s.statistics().failures == 4);
  CHECK(s.statistics().dead == 0);
}

TEST_CASE("effect: a commit that fails leaves nothing, and the delivery runs again", "[bus][durable][P32]") {
  peal::memory_store disk;
  peal::testing::faulty_store flaky{&disk};
  ledger books{flaky};
  shop bus{{.seed = 7}, disk};
  int runs = 0;
  const auto s = bus.subscribe<order>(
      "ledger",
      [&](const order& o, peal::delivery& d) {
        if (++runs < 3) flaky.fail(1, peal::store_errc::no_space);
        auto t = books.begin();
        t.insert(o);
        d.commit(t);
      },
      peal::otherwise(peal::backoff{.first = 10ms}));
  bus.publish(order{1});
  (void)bus.settle();
  bus.runtime().advance(1s);
  CHECK(runs == 3);
  CHECK(books.rows == std::map<std::int64_t, std::int64_t>{{1, 1}});
  CHECK(s.statistics().handled == 1);
}

TEST_CASE("effect: one that stops and comes back in the same life passes over what it has committed",
          "[bus][durable][P32]") {
  peal::memory_store disk;
  ledger books{disk};
  shop bus{{.seed = 7}, disk};
  bool fails = true;
  const auto handler = [&](const order& o, peal::delivery& d) {
    if (o.id == 0 && fails) throw peal_test::gateway_down();  // holds the cursor back
    auto t = books.begin();
    t.insert(o);
    d.commit(t);
  };
  {
    auto first = bus.subscribe<order>("ledger", handler, peal::otherwise(peal::backoff{.first = 1h}));
    for (std::int64_t id = 0; id < 4; ++id) bus.publish(order{id});
    while (first.statistics().handled != 3) REQUIRE(bus.runtime().run() != 0);
    first.stop();
  }
  CHECK(books.rows.size() == 3);
  fails = false;
  const auto again = bus.subscribe<order>("ledger", handler);
  (void)bus.settle();
  CHECK(books.rows.size() == 3);
  bus.runtime().advance(1h);  // the back-off goes on
  CHECK(again.statistics().handled == 1);
  CHECK(books.rows.size() == 4);
  CHECK(books.most() == 1);
  bus.runtime().advance(1s);
  CHECK(marks_in(disk, "ledger").empty());
}

TEST_CASE("effect: a letter that comes back goes with the commit of its effect", "[bus][durable][P32]") {
  peal::memory_store disk;
  peal::memory_store before;
  ledger books{disk};
  std::optional<peal::testing::faulty_store> until_then{&disk};
  bool fails = true;
  const auto handler = [&](const order& o, peal::delivery& d) {
    if (fails) throw peal_test::gateway_down();
    auto t = books.begin();
    t.insert(o);
    d.commit(t);
    if (until_then) until_then->fail(1, peal::store_errc::io);  // here the process ends
  };
  {
    shop bus{{.seed = 7}, *until_then};
    const auto s = bus.subscribe<order>("ledger", handler, peal::otherwise(peal::backoff{.attempts = 1}));
    bus.publish(order{1});
    (void)bus.settle();
    bus.runtime().advance(1s);
    fails = false;
    copy_letters(disk, before);
    (void)bus.redrive<order>({});
    (void)bus.settle();
    CHECK(s.statistics().handled == 1);
  }
  until_then.reset();
  SECTION("which the store has known") {}
  SECTION("which the journal has told the store of too late") { copy_letters(before, disk); }
  shop bus{{.seed = 7}, disk};
  CHECK(bus.dead_letters<order>().empty());
  const auto s = bus.subscribe<order>("ledger", handler);
  bus.publish(order{2});
  (void)bus.settle();
  bus.runtime().advance(1s);
  CHECK(books.rows.size() == 2);
  CHECK(books.most() == 1);
  CHECK(marks_in(disk, "ledger").empty());
}

TEST_CASE("effect: events belong into the same transaction, by an outbox", "[bus][durable][P32]") {
  peal::memory_store disk;
  ledger books{disk};
  peal::outbox<bill> out{disk};
  shop bus{{.seed = 7}, disk};
  int runs = 0;
  const auto s = bus.subscribe<order>("billing", [&](const order& o, peal::delivery& d) {
    if (++runs == 1) disk.commit(peal::store_batch{});
    auto t = books.begin();
    t.insert(o);
    peal::effect e{d, t};
    CHECK(out.commit(e, bill{o.id}) == static_cast<std::uint64_t>(runs - 1));
    CHECK(marks_in(disk, "billing").size() == static_cast<std::size_t>(runs));
  });
  for (std::int64_t id = 0; id < 3; ++id) bus.publish(order{id});
  (void)bus.settle();
  CHECK(s.statistics().handled == 3);
  CHECK(disk.range("outbox").next == 3);
}

TEST_CASE("effect: where the store cannot keep the mark, a commit is refused with a sentence", "[bus][durable][P32]") {
  peal::memory_store disk;
  ledger books{disk};
  shop bus{{.seed = 7}, disk};
  std::string said;
  const auto commit = [&](peal::delivery& d) {
    try {
      auto t = books.begin();
      t.insert({1});
      d.commit(t);
    } catch (const peal::bad_option& e) {
      said = e.what();
    }
  };
  peal::subscription s;
  std::string expected;
  SECTION("a topic in memory") {
    s = bus.subscribe<bill>("ledger", [&](const bill&, peal::delivery& d) { commit(d); });
    expected = "peal: subscription \"ledger\": the store does not keep how far it has come";
  }
  SECTION("a transient subscription") {
    s = bus.subscribe<order>(
        "ledger", [&](const order&, peal::delivery& d) { commit(d); }, peal::transient);
    expected = "peal: subscription \"ledger\": the store does not keep how far it has come";
  }
  SECTION("a handler that returns events") {
    s = bus.subscribe<order>("ledger", [&](const order& o, peal::delivery& d) {
      commit(d);
      return bill{o.id};
    });
    expected = "peal: subscription \"ledger\": its handler returns events";
  }
  SECTION("a second commit") {
    s = bus.subscribe<order>("ledger", [&](const order&, peal::delivery& d) {
      commit(d);
      CHECK(books.rows[1] == 1);
      commit(d);
      books.rows.clear();
    });
    expected = "peal: subscription \"ledger\": the effect of this delivery has been committed";
  }
  bus.publish(order{1});
  bus.publish(bill{1});
  (void)bus.settle();
  CHECK(s.statistics().handled == 1);
  CHECK(said.substr(0, expected.size()) == expected);
  CHECK(books.rows.empty());
}
