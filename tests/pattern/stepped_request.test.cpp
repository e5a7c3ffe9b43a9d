// SPDX-License-Identifier: MIT
// Request and reply on virtual time: every answer there is, from outside and from inside handlers.
#include <peal/pattern/request_reply.hpp>

#include "bus/stepped_support.hpp"

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>

namespace {

using namespace std::chrono_literals;
using peal::request_errc;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;

struct price_query {
  std::string item;
};
struct price {
  int cents = 0;
};
struct stock_query {
  int item = 0;
};
struct order {
  int id = 0;
};
using prices_asked = peal::query<price_query, price>;
using stock_asked = peal::query<stock_query, int>;
using shop = stepped<prices_asked, stock_asked, order>;

const auto price_of = [](const price_query& q) { return price{static_cast<int>(q.item.size())}; };

/// A coroutine that starts at once and that nobody waits for.
struct task {
  struct promise_type {
    task get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

}  // namespace

TEST_CASE("request: the reply of the one responder", "[request]") {
  shop fx;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  const peal::requester<price_query, price> prices = fx.bus;
  auto apple = prices.request({"apple"}, 1s);
  REQUIRE(apple);
  CHECK(apple->cents == 5);
  CHECK((*apple).cents == 5);
  CHECK(peal::request<price>(fx.bus, price_query{"fig"}, 1s)->cents == 3);
  CHECK(r.statistics().handled == 2);
  const auto stats = prices.statistics();
  CHECK(stats.asked == 2);
  CHECK(stats.replied == 2);
  CHECK(stats.pending == 0);
}

TEST_CASE("request: no_responder is known at once, before one came and after it went", "[request]") {
  shop fx;
  const peal::requester<price_query, price> prices = fx.bus;
  const auto began = fx.now();
  CHECK(prices.request({"apple"}, 1h).error() == request_errc::no_responder);
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  CHECK(prices.request({"apple"}, 1h));
  r.stop();
  CHECK(prices.request({"apple"}, 1h).error() == request_errc::no_responder);
  CHECK(fx.now() == began);
  auto again = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  CHECK(prices.request({"apple"}, 1h));
}

TEST_CASE("request: the next responder does not answer for the one before", "[request]") {
  shop fx;
  const peal::requester<price_query, price> prices = fx.bus;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  int seen = 0;
  auto observer = fx.subscribe<prices_asked>("observer", [&](const price_query&) { ++seen; });
  r.pause();
  observer.pause();
  auto a = prices.request_async({"a"}, 1h);
  r.stop();
  auto next = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  REQUIRE(fx.bus.settle_for(1s).waiting_for.size() == 1);
  CHECK_FALSE(a.ready());  // the observer has not seen it yet
  observer.resume();
  REQUIRE(fx.bus.settle());
  CHECK(seen == 1);
  CHECK(a.get().error() == request_errc::no_responder);
}

TEST_CASE("request: a second responder is refused by name, and the first one stays", "[request][P40]") {
  shop fx;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  CHECK_THROWS_AS(peal::respond<price_query>(fx.bus, "cheaper", price_of), peal::responder_exists);
  CHECK_THROWS_WITH(peal::respond<price_query>(fx.bus, "cheaper", price_of),
                    Catch::Contains("\"cheaper\"") && Catch::Contains("\"pricing\"") && Catch::Contains("price_query"));
  CHECK(peal::request<price>(fx.bus, price_query{"fig"}, 1s));
  CHECK_THROWS_AS(peal::respond<stock_query>(fx.bus, "pricing", [](const stock_query&) { return 1; }),
                  peal::name_in_use);
  auto stock = fx.watch(peal::respond<stock_query>(fx.bus, "stock", [](const stock_query&) { return 1; }));
  CHECK(peal::request<int>(fx.bus, stock_query{1}, 1s));  // the refused one has left nothing behind
}

TEST_CASE("request: a responder that throws has failed, and what it said is told", "[request]") {
  shop fx;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", [](const price_query& q) -> price {
    if (q.item.empty()) throw 7;
    throw gateway_down("no such item");
  }));
  const auto apple = peal::request<price>(fx.bus, price_query{"apple"}, 1s);
  CHECK(apple.error() == request_errc::failed);
  CHECK(apple.text() == "no such item");
  CHECK(peal::request<price>(fx.bus, price_query{""}, 1s).text() == "unknown exception");
  CHECK(r.statistics().discarded == 2);
  CHECK(fx.bus.dead_letters<prices_asked>().empty());
}

TEST_CASE("request: with a back-off the asker waits on, until a reply or the end of the attempts", "[request]") {
  shop fx;
  int runs = 0;
  int good_from = 3;
  auto r = fx.watch(peal::respond<price_query>(
      fx.bus, "pricing",
      [&](const price_query&) {
        if (++runs < good_from) throw gateway_down("run " + std::to_string(runs));
        return price{runs};
      },
      peal::otherwise(every(1s, 3))));
  const auto began = fx.now();
  CHECK(peal::request<price>(fx.bus, price_query{"apple"}, 1min)->cents == 3);
  CHECK(fx.now() - began >= 2s);
  CHECK(fx.now() - began < 3s);
  good_from = 100;
  runs = 0;
  const auto failed = peal::request<price>(fx.bus, price_query{"apple"}, 1min);
  CHECK(failed.error() == request_errc::failed);
  CHECK(failed.text() == "run 3");
  CHECK(fx.bus.dead_letters<prices_asked>().size() == 1);  // the end of a back-off, as ever
  CHECK(fx.bus.redrive<prices_asked>() == 1);              // nobody waits any more
  (void)fx.bus.settle();
}

TEST_CASE("request: a time that is over, and a reply that comes too late", "[request][deadline]") {
  shop fx;
  std::optional<peal::time_point> deadline;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", [&](const price_query& q, peal::delivery& d) {
    deadline = d.deadline();
    if (q.item == "slow") fx.bus.runtime().advance(2s);
    return price{1};
  }));
  const peal::requester<price_query, price> prices = fx.bus;
  const auto began = fx.now();
  r.pause();
  CHECK(prices.request({"apple"}, 1s).error() == request_errc::timed_out);
  CHECK(fx.now() == began + 1s);
  fx.advance(1ms);
  r.resume();
  REQUIRE(fx.bus.settle());
  CHECK(r.statistics().expired == 1);  // it had as long as its asker
  CHECK_FALSE(deadline);
  {
    auto slow = prices.request_async({"slow"}, 1s);
    REQUIRE(fx.bus.settle());
    CHECK(deadline);
    CHECK(slow.ready());
    CHECK(slow.get().error() == request_errc::timed_out);
  }
  CHECK(prices.statistics().late == 1);
  CHECK(prices.statistics().timed_out == 2);
  CHECK(prices.statistics().pending == 0);
}

TEST_CASE("request: a handler asks, and so does the one it asks", "[request][P7]") {
  shop fx;
  const peal::requester<price_query, price> prices = fx.bus;
  const peal::requester<stock_query, int> stock = fx.bus;
  std::vector<int> sums;
  auto s = fx.subscribe<order>("orders", [&](const order& o) {
    sums.push_back(prices.request({std::string(static_cast<std::size_t>(o.id), 'x')}, 1s)->cents);
  });
  auto pricing = fx.watch(peal::respond<price_query>(fx.bus, "pricing", [&](const price_query& q) {
    return price{stock.request({static_cast<int>(q.item.size())}, 1s).has_value() ? 10 + static_cast<int>(q.item.size())
                                                                                  : -1};
  }));
  auto keeping = fx.watch(peal::respond<stock_query>(fx.bus, "stock", [](const stock_query& q) { return q.item; }));
  for (int id = 1; id <= 3; ++id) fx.bus.publish(order{id});
  REQUIRE(fx.bus.settle());
  CHECK(sums == std::vector<int>{11, 12, 13});
}

TEST_CASE("request: what would wait for itself has failed at once", "[request][P7]") {
  shop fx;
  const peal::requester<price_query, price> prices = fx.bus;
  std::string why;
  const auto began = fx.now();
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", [&](const price_query&) {
    why = prices.request({"itself"}, 1h).text();
    return price{1};
  }));
  CHECK(prices.request({"apple"}, 1h));
  CHECK(why.find("wait for itself") != std::string::npos);
  CHECK(fx.now() == began);
}

TEST_CASE("request: one with hands may ask itself", "[request][P7]") {
  shop fx;
  const peal::requester<price_query, price> prices = fx.bus;
  auto r = fx.watch(peal::respond<price_query>(
      fx.bus, "pricing",
      [&](const price_query& q) {
        if (q.item.empty()) return price{0};
        const auto rest = prices.request({q.item.substr(1)}, 1s);
        return price{rest ? rest->cents + 1 : -100};
      },
      peal::concurrency{4}));
  CHECK(prices.request({"fig"}, 1s)->cents == 3);
}

TEST_CASE("request: in a topic that the asker itself keeps full it is given up, and nothing hangs", "[request][P7]") {
  stepped<peal::topic<prices_asked, order, peal::capacity<2>>> fx;
  const peal::requester<price_query, price> prices = fx.bus;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  std::vector<request_errc> errors;
  auto s = fx.subscribe<order>("orders", [&](const order& o) {
    if (o.id == 1) REQUIRE(fx.bus.try_publish(order{2}));  // now it is full
    if (o.id == 1) errors.push_back(prices.request({"apple"}, 1h).error());
  });
  const auto began = fx.now();
  fx.bus.publish(order{1});
  fx.run();
  CHECK(errors == std::vector<request_errc>{request_errc::failed});
  CHECK(fx.now() - began < 5s);
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().handled == 2);
}

TEST_CASE("request: not longer than what is being handled", "[request][deadline]") {
  shop fx;
  const peal::requester<price_query, price> prices = fx.bus;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  r.pause();
  const auto began = fx.now();
  auto s = fx.subscribe<order>(
      "orders",
      [&](const order&, peal::delivery& d) {
        CHECK(prices.request({"apple"}, 1h).error() == request_errc::timed_out);
        CHECK(d.time_left() == 0s);
      },
      peal::timeout{2s});
  fx.bus.publish(order{1});
  fx.run();
  CHECK(fx.now() == began + 2s);
}

TEST_CASE("request: policies that let the query go are told as a failure", "[request]") {
  shop fx;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of,
                                               peal::filter{[](const price_query& q) { return q.item != "x"; }},
                                               peal::ordered_by{&price_query::item}));
  const auto began = fx.now();
  const auto x = peal::request<price>(fx.bus, price_query{"x"}, 1h);
  CHECK(x.error() == request_errc::failed);
  CHECK(x.text().find("a policy") != std::string::npos);
  CHECK(fx.now() == began);
  CHECK(peal::request<price>(fx.bus, price_query{"apple"}, 1h));
}

TEST_CASE("request: more than may wait are overloaded", "[request]") {
  stepped<prices_asked> fx{{.max_requests = 2, .seed = 7}};
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  const peal::requester<price_query, price> prices = fx.bus;
  auto a = prices.request_async({"a"}, 1s);
  {
    auto b = prices.request_async({"b"}, 1s);
    auto c = prices.request_async({"c"}, 1s);
    CHECK_FALSE(b.ready());
    CHECK(c.ready());
    CHECK(c.get().error() == request_errc::overloaded);
  }
  CHECK_FALSE(prices.request_async({"d"}, 1s).ready());  // who has left leaves room
  REQUIRE(fx.bus.settle());
  CHECK(prices.statistics().late == 2);
  CHECK(prices.request({"e"}, 1s));
  CHECK(a.get());
}

TEST_CASE("request: a full topic is overloaded for those who do not wait", "[request]") {
  stepped<peal::topic<prices_asked, peal::capacity<2>>> fx;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  const peal::requester<price_query, price> prices = fx.bus;
  auto a = prices.request_async({"a"}, 1s);
  auto b = prices.request_async({"b"}, 1s);
  CHECK(prices.request_async({"c"}, 1s).get().error() == request_errc::overloaded);
  CHECK(prices.request({"d"}, 1s));  // this one waits
  CHECK(a.get());
  CHECK(b.get());
  CHECK(prices.statistics().pending == 2);  // a and b, whose objects live on
}

TEST_CASE("request: a responder that stops, and a bus that drains or ends, release those who wait",
          "[request][P10][P11]") {
  std::optional<peal::pending_reply<price>> left;
  {
    shop fx;
    const peal::requester<price_query, price> prices = fx.bus;
    auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
    r.pause();
    auto a = prices.request_async({"a"}, 1h);
    r.stop();
    CHECK(a.ready());
    CHECK(a.get().error() == request_errc::no_responder);
    r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
    auto b = prices.request_async({"b"}, 1h);
    CHECK(fx.bus.drain(1s).complete);
    CHECK(b.get());  // accepted before
    CHECK(prices.request({"c"}, 1h).error() == request_errc::closing);
  }
  {
    shop fx;
    const peal::requester<price_query, price> prices = fx.bus;
    auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
    r.pause();
    auto a = prices.request_async({"a"}, 1h);
    CHECK_FALSE(fx.bus.drain(1s).complete);
    CHECK(a.ready());
    CHECK(a.get().error() == request_errc::closing);
  }
  {
    shop fx;
    const peal::requester<price_query, price> prices = fx.bus;
    auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
    r.pause();
    std::move(r).keep();
    left.emplace(prices.request_async({"a"}, 1h));
  }
  CHECK(left->ready());
  CHECK(left->get().error() == request_errc::closing);
}

TEST_CASE("request: awaited by a coroutine, from its beginning to each end", "[request][coroutine]") {
  shop fx;
  const peal::requester<price_query, price> prices = fx.bus;
  std::vector<std::string> log;
  const auto ask = [&](std::string item, std::chrono::nanoseconds time) -> task {
    // By a name: g++ 12 destroys an aggregate made in the expression of a co_await twice.
    const price_query once{item};
    const auto first = co_await prices.request_async(once, time);
    log.push_back(first ? item + " " + std::to_string(first->cents)
                        : item + ": " + std::string(to_string(first.error())));
    if (!first) co_return;
    const price_query twice{item + item};
    const auto second = co_await prices.request_async(twice, time);
    log.push_back(second ? "and " + std::to_string(second->cents) : "and nothing");
  };
  ask("nobody", 1s);
  CHECK(log.back() == "nobody: nobody answers this query");
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of));
  ask("apple", 1s);
  CHECK(log.size() == 1);  // it is suspended
  REQUIRE(fx.bus.settle());
  CHECK(log.back() == "and 10");
  CHECK(log.size() == 3);
  r.pause();
  ask("pear", 1s);
  fx.advance(999ms);
  CHECK(log.size() == 3);
  fx.advance(2ms);
  CHECK(log.back() == "pear: no reply came in time");
  ask("fig", 1s);
  r.stop();
  CHECK(log.back() == "fig: nobody answers this query");
  CHECK(prices.statistics().pending == 0);
}

TEST_CASE("request: a responder on the asker's own thread", "[request]") {
  shop fx;
  auto r = fx.watch(peal::respond<price_query>(fx.bus, "pricing", price_of, peal::on_publisher_thread));
  auto waiting = peal::requester<price_query, price>{fx.bus}.request_async({"apple"}, 1s);
  CHECK(waiting.ready());
  CHECK(waiting.get()->cents == 5);
}
