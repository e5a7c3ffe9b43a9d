// SPDX-License-Identifier: MIT
// Request and reply on threads: handlers that ask, with as few workers as there can be; askers are released, whatever ends.
#include <peal/pattern/request_reply.hpp>

#include "support/bus_fixture.hpp"

#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using peal::request_errc;
using peal_test::check_books;
using peal_test::repeat;
using peal_test::until;
using peal_test::watchdog;

struct price_query {
  int item = 0;
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
using shop = peal::bus<peal::query<price_query, price>, peal::query<stock_query, int>, order>;
constexpr auto patience = 100s;

/// How requests have ended, by many threads.
struct endings {
  std::atomic<std::uint64_t> replies{0};
  std::array<std::atomic<std::uint64_t>, 5> errors{};
  std::atomic<std::uint64_t> sum{0};  // moves: for the watchdog

  template <class R>
  void note(const peal::answer<R>& a) {
    (a ? replies : errors[static_cast<std::size_t>(a.error())]).fetch_add(1);
    sum.fetch_add(1);
  }
  [[nodiscard]] std::uint64_t of(request_errc e) const { return errors[static_cast<std::size_t>(e)].load(); }
};

/// Handlers ask a responder that asks another one.
void ask_inside(unsigned workers, unsigned hands, int orders) {
  CAPTURE(workers, hands);
  std::atomic<std::uint64_t> sum{0};
  endings seen;
  const watchdog dog{"handlers that ask", &sum};
  std::vector<peal::subscription::meter> books;
  {
    shop bus{{.workers = workers}};
    const peal::requester<price_query, price> prices = bus;
    const peal::requester<stock_query, int> stock = bus;
    auto keeping = peal::respond<stock_query>(
        bus, "stock", [](const stock_query& q) { return q.item; }, peal::concurrency{hands});
    auto pricing = peal::respond<price_query>(
        bus, "pricing",
        [&](const price_query& q) {
          const auto left = stock.request({q.item}, patience);
          seen.note(left);
          return price{left ? 2 * *left : -1};
        },
        peal::concurrency{hands});
    auto first = bus.subscribe<order>(
        "first",
        [&](const order& o) {
          const auto p = prices.request({o.id}, patience);
          seen.note(p);
          sum += static_cast<std::uint64_t>(p ? p->cents : 1'000'000);
        },
        peal::concurrency{hands});
    auto second = bus.subscribe<order>("second", [&](const order& o) {
      const auto left = stock.request({o.id}, patience);
      seen.note(left);
      sum += static_cast<std::uint64_t>(left ? *left : 1'000'000);
    });
    for (const auto* s : {&keeping, &pricing, &first, &second}) books.push_back(s->counters());
    for (int id = 1; id <= orders; ++id) {
      while (!bus.try_publish(order{id})) (void)bus.poll();
    }
    if (workers == 0) {
      until([&] { return bus.poll() == 0 && seen.sum == 3U * static_cast<unsigned>(orders); });
    }
    REQUIRE(bus.settle_for(patience));
    for (const auto& b : books) check_books(b.statistics());
  }
  const auto n = static_cast<std::uint64_t>(orders);
  CAPTURE(seen.of(request_errc::timed_out), seen.of(request_errc::overloaded), seen.of(request_errc::failed));
  CHECK(seen.replies == 3 * n);
  CHECK(sum == 3 * (n * (n + 1) / 2));
}

}  // namespace

TEST_CASE("request: handlers ask with no worker, one, two and three, one hand and more", "[request][P7]") {
  const int orders = static_cast<int>(repeat(2000));
  for (const unsigned workers : {0U, 1U, 2U, 3U}) {
    for (const unsigned hands : {1U, 3U}) ask_inside(workers, hands, orders);
  }
}

TEST_CASE("request: many threads ask, and each gets its own reply", "[request]") {
  endings seen;
  const watchdog dog{"threads that ask", &seen.sum};
  shop bus{{.workers = 2, .capacity = 8}};
  auto pricing = peal::respond<price_query>(
      bus, "pricing", [](const price_query& q) { return price{q.item + 1}; }, peal::concurrency{2});
  const peal::requester<price_query, price> prices = bus;
  std::atomic<int> wrong{0};
  std::vector<std::thread> askers;
  const int each = static_cast<int>(repeat(2000));
  for (int t = 0; t < 4; ++t) {
    askers.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        const auto p = prices.request({t * 1'000'000 + i}, patience);
        seen.note(p);
        if (!p || p->cents != t * 1'000'000 + i + 1) ++wrong;
      }
    });
  }
  for (std::thread& t : askers) t.join();
  CHECK(wrong == 0);
  CHECK(seen.replies == 4U * static_cast<unsigned>(each));
  REQUIRE(bus.settle_for(patience));
  check_books(pricing.statistics());
  CHECK(prices.statistics().pending == 0);
}

TEST_CASE("request: responders come and go while they are asked, inside handlers and outside", "[request][P8]") {
  endings seen;
  const watchdog dog{"a responder that stops", &seen.sum};
  const std::uint64_t rounds = repeat(300);
  for (const unsigned workers : {1U, 2U}) {
    shop bus{{.workers = workers}};
    const peal::requester<price_query, price> prices = bus;
    std::atomic<bool> over{false};
    auto inside = bus.subscribe<order>("inside", [&](const order& o) { seen.note(prices.request({o.id}, patience)); });
    std::thread outside{[&] {
      while (!over) seen.note(prices.request({1}, patience));
    }};
    std::thread publisher{[&] {
      while (!over) (void)bus.try_publish_for(order{1}, 1ms);
    }};
    std::vector<peal::subscription::meter> books{inside.counters()};
    for (std::uint64_t i = 0; i < rounds; ++i) {
      auto pricing = peal::respond<price_query>(bus, "pricing", [](const price_query& q) { return price{q.item}; });
      books.push_back(pricing.counters());
      const std::uint64_t before = seen.sum.load();
      until([&] { return seen.sum.load() > before + 3; });
    }
    over = true;
    outside.join();
    publisher.join();
    REQUIRE(bus.settle_for(patience));
    for (const auto& b : books) check_books(b.statistics());
    CHECK(prices.statistics().pending == 0);
  }
  CHECK(seen.replies > 0);
  CHECK(seen.of(request_errc::no_responder) > 0);
  CHECK(seen.replies + seen.of(request_errc::no_responder) == seen.sum);
}

TEST_CASE("request: a drain and the end of the bus release who asks", "[request][P10][P11]") {
  endings seen;
  const watchdog dog{"a bus that ends while it is asked", &seen.sum};
  for (std::uint64_t round = 0; round < repeat(100); ++round) {
    const bool hangs = round % 2 == 1;
    std::optional<shop> bus{std::in_place, peal::bus_options{.workers = 1 + static_cast<unsigned>(round % 3)}};
    const peal::requester<price_query, price> prices = *bus;
    auto pricing = peal::respond<price_query>(*bus, "pricing", [](const price_query& q) { return price{q.item}; });
    if (hangs) pricing.pause();
    const auto book = pricing.counters();
    auto inside = bus->subscribe<order>("inside", [&](const order& o) { seen.note(prices.request({o.id}, patience)); });
    std::atomic<int> asking{0};
    std::vector<std::thread> askers;
    for (int t = 0; t < 2; ++t) {
      askers.emplace_back([&] {
        for (bool go_on = true; go_on;) {
          ++asking;
          const auto p = prices.request({1}, patience);
          seen.note(p);
          go_on = p.has_value();
        }
      });
    }
    bus->publish(order{1});
    until([&] { return asking.load() >= 2; });
    (void)bus->drain(hangs ? 1ms : 100s);
    for (std::thread& t : askers) t.join();
    check_books(book.statistics());
  }
  CHECK(seen.replies + seen.of(request_errc::closing) == seen.sum);
  CHECK(seen.of(request_errc::closing) >= 2 * repeat(100));
}

TEST_CASE("request: a drain releases who waits for a responder that hangs", "[request][P10]") {
  const watchdog dog{"a responder that hangs"};
  shop bus{{.workers = 2}};
  peal_test::door inside;
  peal_test::door go_on;
  auto pricing = peal::respond<price_query>(bus, "pricing", [&](const price_query& q) {
    inside.open();
    go_on.wait();
    return price{q.item};
  });
  const peal::requester<price_query, price> prices = bus;
  std::optional<request_errc> ended;
  std::thread asker{[&] { ended = prices.request({1}, patience).error(); }};
  inside.wait();
  const peal::drain_report report = bus.drain(1ms);
  asker.join();
  CHECK(ended == request_errc::closing);
  REQUIRE(report.stuck.size() == 1);
  CHECK(report.stuck[0].subscription == "pricing");
  go_on.open();
  until([&] { return pricing.statistics().waiting == 0; });
  CHECK(prices.statistics().late == 1);
  check_books(pricing.statistics());
}

TEST_CASE("request: the destructor releases threads that wait for a reply", "[request][P11]") {
  const watchdog dog{"a bus destroyed while it is asked"};
  for (std::uint64_t round = 0; round < repeat(50); ++round) {
    std::optional<shop> bus{std::in_place, peal::bus_options{.workers = 1}};
    peal::respond<price_query>(*bus, "pricing", [](const price_query& q) { return price{q.item}; }).keep();
    peal_test::door inside;
    bus->subscribe<order>("busy",
                          [&](const order&, peal::delivery& d) {
                            inside.open();
                            until([&] { return d.cancellation().cancelled(); });
                          })
        .keep();
    bus->publish(order{1});
    inside.wait();  // the one worker is busy: nobody answers
    std::optional<request_errc> ended;
    const peal::requester<price_query, price> prices = *bus;
    auto held = prices.request_async({1}, patience);
    std::thread asker{[&, table = prices] { ended = table.request({2}, patience).error(); }};
    until([&] { return prices.statistics().asked == 2; });
    bus.reset();
    asker.join();
    CHECK(ended == request_errc::closing);
    CHECK(held.ready());
    CHECK(held.get().error() == request_errc::closing);
  }
}
