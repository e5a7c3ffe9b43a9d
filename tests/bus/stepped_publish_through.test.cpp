// SPDX-License-Identifier: MIT
// Publish middleware, on virtual time: it stands around each publication, whichever way that comes.
#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::stepped;

struct order {
  int id = 0;
  std::string tenant{};
};
struct invoice {
  int id = 0;
};

/// Stamps orders, and remembers what it has seen.
struct stamp {
  std::string tenant = "nobody";
  std::vector<int> seen{};
  int inside = 0;

  peal::result<peal::receipt> operator()(order& o, peal::publication& p, auto&& next) noexcept {
    seen.push_back(o.id);
    if (p.handling != nullptr) ++inside;
    o.tenant = tenant;
    p.options.correlation = {1, static_cast<std::uint64_t>(o.id)};
    return next();
  }
};
/// Lets no negative number pass.
struct no_negatives {
  int accepted = 0;

  template <class E>
  peal::result<peal::receipt> operator()(E& e, peal::publication&, auto&& next) noexcept {
    if (e.id < 0) return peal::publish_errc::vetoed;
    auto answer = next();
    if (answer) ++accepted;
    return answer;
  }
};

using stamped = peal::topic<order, invoice, peal::capacity<4>, peal::publish_through<no_negatives, stamp>>;

}  // namespace

TEST_CASE("publish_through: changes the event and its options, in order, and takes the events that it can",
          "[bus][middleware]") {
  stepped<stamped> fx;
  fx.bus.publish_middleware<order, stamp>().tenant = "acme";
  std::vector<std::string> tenants;
  std::vector<peal::event_id> wholes;
  auto s =
      fx.subscribe<order, invoice>("s", peal::overloaded{[&](const order& o, peal::delivery& d) {
                                                           tenants.push_back(o.tenant);
                                                           wholes.push_back(d.correlation());
                                                         },
                                                         [&](const invoice&) { tenants.emplace_back("invoice"); }});
  fx.bus.publish(order{1});
  fx.bus.publish(invoice{2});
  peal::publisher<order> out = fx.bus;
  CHECK(out.try_publish(order{3}));
  REQUIRE(fx.bus.settle());
  CHECK(tenants == std::vector<std::string>{"acme", "invoice", "acme"});
  CHECK(wholes == std::vector<peal::event_id>{{1, 1}, {1, 3}});
  CHECK(fx.bus.publish_middleware<order, stamp>().seen == std::vector<int>{1, 3});
  CHECK(fx.bus.publish_middleware<invoice, no_negatives>().accepted == 3);
}

TEST_CASE("publish_through: may refuse; the event stays with its publisher, and the middleware inside is not asked",
          "[bus][middleware]") {
  stepped<stamped> fx;
  auto s = fx.subscribe<order>("s", [](const order&) {});
  order bad{-1, "mine"};
  const auto r = fx.bus.try_publish(std::move(bad));
  REQUIRE_FALSE(r);
  CHECK(r.error() == peal::publish_errc::vetoed);
  CHECK(bad.tenant == "mine");
  CHECK_THROWS_AS(fx.bus.publish(order{-2}), peal::publish_refused);
  CHECK(fx.bus.publish_middleware<order, stamp>().seen.empty());
  order range[3]{{1}, {-2}, {3}};
  CHECK(fx.bus.publish_range(range, 3) == 1);
  CHECK(fx.bus.statistics().topics[0].vetoed == 3);
  CHECK(fx.bus.statistics().topics[0].accepted == 1);
  REQUIRE(fx.bus.settle());
  for (int i = 0; i != 4; ++i) CHECK(fx.bus.try_publish(order{i}));
  CHECK(fx.bus.try_publish(order{5}).error() == peal::publish_errc::full);
  CHECK(fx.bus.publish_middleware<order, no_negatives>().accepted == 5);
}

TEST_CASE("publish_through: outputs, timers and what is published in a handler go through it once each, letters again",
          "[bus][middleware][P7]") {
  stepped<stamped, peal::topic<int>> fx;
  std::vector<std::string> got;
  auto makes = fx.subscribe<int>("makes", [](const int& n) { return order{n}; });
  auto also = fx.subscribe<int>("also", [&](const int& n) { (void)fx.bus.try_publish(order{n + 10}); });
  auto reads = fx.subscribe<order>("reads", [&](const order& o) { got.push_back(o.tenant); });
  fx.bus.publish_middleware<order, stamp>().tenant = "acme";
  fx.bus.publish(1);
  fx.bus.publish(-20);
  REQUIRE(fx.bus.settle());
  fx.bus.publish_after(order{2}, 1s);
  fx.bus.publish_after(order{-2}, 1s);
  const auto tick = fx.bus.publish_every(order{3}, 10s);
  fx.advance(25s);
  CHECK(fx.bus.cancel(tick) == peal::cancel_result::cancelled);
  REQUIRE(fx.bus.settle());
  CHECK(got == std::vector<std::string>{"acme", "acme", "acme", "acme", "acme"});
  CHECK(fx.bus.publish_middleware<order, stamp>().inside == 2);
  CHECK(fx.bus.statistics().topics[0].vetoed == 3);  // an output, one in a handler, one of a timer
  CHECK(makes.statistics().handled == 2);
}
