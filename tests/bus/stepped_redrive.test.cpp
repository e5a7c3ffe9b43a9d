// SPDX-License-Identifier: MIT
// Dead letters as data, on virtual time: asked for by what they say, edited, redriven with limits, and in a dry run.
#include <optional>
#include <system_error>

#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal::redrive_errc;
using peal_test::gateway_down;
using peal_test::stepped;

struct order {
  int id = 0;
  std::string customer{};
  std::string address{};
};
struct refund {
  int id = 0;
};

/// A subscription that fails while it is told to, and writes down what it handled.
struct shop : stepped<peal::topic<order, refund>> {
  bool down = true;
  std::vector<int> handled{};
  std::vector<std::string> addresses{};

  template <class... Ps>
  [[nodiscard]] peal::subscription billing(Ps... policies) {
    return subscribe<order>(
        "billing",
        [this](const order& o) {
          if (down) throw gateway_down("no route to " + o.customer);
          handled.push_back(o.id);
          addresses.push_back(o.address);
        },
        std::move(policies)...);
  }
  void publish(int id, const std::string& customer) { (void)bus.publish(order{id, customer}); }
  std::vector<std::uint64_t> numbers(const peal::dead_letter_query& q = {}) {
    std::vector<std::uint64_t> found;
    for (const auto& l : bus.dead_letters<order>(q)) found.push_back(l.number);
    return found;
  }
};

}  // namespace

TEST_CASE("letters: found by the event's id, its key, a predicate, the text and the code of an error, page by page",
          "[bus][P25]") {
  shop fx;
  auto s = fx.subscribe<order>("codes", [](const order& o) {
    if (o.id % 2 == 0) throw std::system_error(std::make_error_code(std::errc::connection_refused), "even");
    throw gateway_down("odd " + o.customer);
  });
  std::vector<peal::event_id> ids;
  for (int i = 1; i <= 6; ++i) ids.push_back(fx.bus.publish(order{i, i <= 3 ? "ann" : "bob"}).id());
  REQUIRE(fx.bus.settle());
  const auto one = fx.bus.dead_letters<order>({.event = ids[3]});
  REQUIRE(one.size() == 1);
  CHECK(one[0].event.id == 4);
  CHECK(fx.bus.dead_letters<order>({.event = peal::event_id{ids[3].high + 1, ids[3].low}}).empty());
  CHECK(fx.bus.dead_letters<order>({.event = peal::event_id{ids[3].high, ids[3].low + (1ULL << 56)}}).empty());
  CHECK(fx.numbers({.error = "odd"}) == std::vector<std::uint64_t>{1, 3, 5});
  CHECK(fx.numbers({.error = "odd bob"}) == std::vector<std::uint64_t>{5});
  CHECK(fx.numbers({.code = std::make_error_code(std::errc::connection_refused)}) ==
        std::vector<std::uint64_t>{2, 4, 6});
  CHECK(fx.numbers({.error = "odd", .limit = 2}) == std::vector<std::uint64_t>{1, 3});
  CHECK(fx.numbers({.after = 2, .limit = 2}) == std::vector<std::uint64_t>{3, 4});
  CHECK(fx.numbers({.number = 3, .after = 3}).empty());
  CHECK(fx.bus.dead_letters<order>({}, peal::letters_with_key{&order::customer, "ann"}).size() == 3);
  const auto late =
      fx.bus.dead_letters<order>({.limit = 1}, peal::letters_where{[](const order& o) { return o.id > 4; }});
  REQUIRE(late.size() == 1);
  CHECK(late[0].event.id == 5);
  CHECK(fx.bus.discard_letters<order>({.error = "odd"}, peal::letters_with_key{&order::customer, "bob"}) == 1);
  CHECK(fx.numbers() == std::vector<std::uint64_t>{1, 2, 3, 4, 6});
}

TEST_CASE("redrive: an edited letter comes back changed, under its own id, and its cycle is counted", "[bus][P25]") {
  shop fx;
  auto s = fx.billing();
  const auto id = fx.bus.publish(order{1, "ann", "nowhere"}).id();
  REQUIRE(fx.bus.settle());
  SECTION("in one go") {
    fx.down = false;
    CHECK(fx.bus.redrive<order>({}, [](order& o) { o.address = "High Street 1"; }) == 1);
    REQUIRE(fx.bus.settle());
    CHECK(fx.addresses == std::vector<std::string>{"High Street 1"});
  }
  SECTION("or changed first, and looked at") {
    CHECK(fx.bus.edit_letter<order>(1, [](order& o) { o.address = "High Street 2"; }) == redrive_errc::none);
    const auto l = fx.bus.dead_letters<order>();
    REQUIRE(l.size() == 1);
    CHECK(l[0].event.address == "High Street 2");
    CHECK(l[0].number == 1);
    CHECK(l[0].id == id);
    CHECK(l[0].cycles == 0);
    REQUIRE(l[0].errors.size() == 1);
    CHECK(l[0].errors[0].what == "no route to ann");
    CHECK(fx.bus.redrive<order>() == 1);
    REQUIRE(fx.bus.settle());
    REQUIRE(fx.bus.dead_letters<order>().size() == 1);
    CHECK(fx.bus.dead_letters<order>()[0].cycles == 1);
    CHECK(fx.bus.dead_letters<order>()[0].event.address == "High Street 2");
  }
  SECTION("an edit that throws changes nothing") {
    CHECK_THROWS_AS(fx.bus.redrive<order>({},
                                          [](order& o) {
                                            o.address = "half way";
                                            throw 1;
                                          }),
                    int);
    CHECK(fx.bus.dead_letters<order>()[0].event.address == "nowhere");
    CHECK(s.statistics().redriven == 0);
  }
  CHECK(fx.bus.edit_letter<order>(99, [](order&) {}) == redrive_errc::gone);
  CHECK(fx.bus.edit_letter<refund>(1, [](refund&) {}) == redrive_errc::gone);
}

TEST_CASE("redrive: an edit of the key is refused, and the letter stays as it was", "[bus][P23][P24][P25]") {
  shop fx;
  std::optional<peal::subscription> s;
  const auto edit = [](order& o) { o.customer = "bob"; };
  SECTION("of ordered_by") { s = fx.billing(peal::ordered_by{&order::customer}); }
  SECTION("of idempotent") { s = fx.billing(peal::idempotent{&order::customer}); }
  fx.publish(1, "ann");
  REQUIRE(fx.bus.settle());
  CHECK(fx.bus.edit_letter<order>(1, edit) == redrive_errc::key_changed);
  const auto report = fx.bus.redrive<order>({}, edit);
  CHECK(report == 0);
  REQUIRE(report.refused.size() == 1);
  CHECK(report.refused[0].why == redrive_errc::key_changed);
  CHECK(report.refused[0].number == 1);
  CHECK(fx.bus.dead_letters<order>()[0].event.customer == "ann");
  fx.down = false;
  CHECK(fx.bus.redrive<order>({}, [](order& o) { o.address = "here"; }) == 1);
  REQUIRE(fx.bus.settle());
  CHECK(fx.addresses == std::vector<std::string>{"here"});
}

TEST_CASE("redrive: of a held key all letters are edited before the first comes back, in order", "[bus][P23][P25]") {
  shop fx;
  auto s = fx.billing(peal::ordered_by{&order::customer});
  for (int i = 1; i <= 4; ++i) fx.publish(i, "ann");
  REQUIRE(fx.bus.settle());
  REQUIRE(fx.bus.dead_letters<order>().size() == 4);
  fx.down = false;
  CHECK(fx.bus.redrive<order>({}, [](order& o) { o.address = "house " + std::to_string(o.id); }) == 4);
  REQUIRE(fx.bus.settle());
  CHECK(fx.handled == std::vector<int>{1, 2, 3, 4});
  CHECK(fx.addresses == std::vector<std::string>{"house 1", "house 2", "house 3", "house 4"});
}

TEST_CASE("redrive: a dry run says what would go and what would not and why, and changes nothing", "[bus][P25]") {
  shop fx;
  auto s = fx.billing(peal::ordered_by{&order::customer});
  auto other = fx.subscribe<refund>("gone", [](const refund&) { throw gateway_down(); });
  for (int i = 1; i <= 2; ++i) fx.publish(i, "ann");
  fx.publish(3, "bob");
  (void)fx.bus.publish(refund{1});
  REQUIRE(fx.bus.settle());
  other.stop();
  const peal::redrive_options dry{.dry_run = true};
  const auto all = fx.bus.redrive<order>({}, dry);
  CHECK(all.count == 3);
  CHECK(all.numbers.size() == 3);
  CHECK(all.refused.empty());
  const auto second = fx.bus.dead_letters<order>({}, peal::letters_where{[](const order& o) { return o.id == 2; }});
  REQUIRE(second.size() == 1);
  const auto alone = fx.bus.redrive<order>({.number = second[0].number}, dry);
  CHECK(alone.count == 0);
  REQUIRE(alone.refused.size() == 1);
  CHECK(alone.refused[0].why == redrive_errc::blocked);
  const auto nobody = fx.bus.redrive<refund>({}, dry);
  REQUIRE(nobody.refused.size() == 1);
  CHECK(nobody.refused[0].why == redrive_errc::no_subscription);
  CHECK_THAT(nobody.refused[0].text, peal_test::contains_text("no subscription of that name stands"));
  CHECK(fx.bus.redrive<refund>().refused == nobody.refused);
  const auto changed = fx.bus.redrive<order>({}, dry, [](order& o) { o.customer = "eve"; });
  CHECK(changed.count == 0);
  CHECK(changed.refused.size() == 3);
  CHECK(s.statistics().redriven == 0);
  CHECK(fx.numbers().size() == 3);
}

TEST_CASE("redrive: one that was redriven max_cycles times stays", "[bus][P25]") {
  shop fx;
  auto s = fx.billing();
  fx.publish(1, "ann");
  REQUIRE(fx.bus.settle());
  const peal::redrive_options twice{.max_cycles = 2};
  for (int i = 0; i != 2; ++i) {
    CHECK(fx.bus.redrive<order>({}, twice) == 1);
    REQUIRE(fx.bus.settle());
  }
  CHECK(fx.bus.dead_letters<order>()[0].cycles == 2);
  const auto report = fx.bus.redrive<order>({}, twice);
  CHECK(report == 0);
  REQUIRE(report.refused.size() == 1);
  CHECK(report.refused[0].why == redrive_errc::cycles);
  CHECK(report.refused[0].text ==
        "letter 3 of subscription \"billing\" was redriven 2 times before, which is as often as this redrive allows; "
        "edit or discard it");
  CHECK(s.statistics().redriven == 2);
  CHECK_THROWS_AS(fx.bus.redrive<order>({}, peal::redrive_options{.per_second = 1}), peal::bad_option);
}

TEST_CASE("start_redrive: letters go back at the rate, the burst first, oldest first", "[bus][P25]") {
  shop fx;
  auto s = fx.billing();
  for (int i = 1; i <= 8; ++i) fx.publish(i, "ann");
  REQUIRE(fx.bus.settle());
  fx.down = false;
  const auto start = fx.now();
  auto r = fx.bus.start_redrive<order>({.limit = 7}, peal::redrive_options{.per_second = 2, .burst = 3});
  CHECK(fx.handled.empty());
  std::vector<std::pair<std::size_t, std::chrono::nanoseconds>> seen;
  while (fx.now() - start < 5s) {
    fx.advance(50ms);
    if (seen.empty() || seen.back().first != fx.handled.size()) seen.emplace_back(fx.handled.size(), fx.now() - start);
  }
  REQUIRE(seen.size() == 5);
  CHECK(seen[0].first == 3);
  CHECK(seen[0].second == 50ms);
  for (std::size_t i = 1; i != 5; ++i) {
    CHECK(seen[i].first == 3 + i);
    CHECK(seen[i].second >= i * 500ms);  // never early
    CHECK(seen[i].second <= i * 500ms + 50ms);
  }
  CHECK(fx.handled == std::vector<int>{1, 2, 3, 4, 5, 6, 7});
  CHECK(r.progress().state == peal::redrive_state::finished);
  CHECK(r.progress().redriven == 7);
  CHECK(fx.numbers().size() == 1);
}

TEST_CASE("start_redrive: paused it waits, stopped it leaves the rest as letters, and another one goes on there",
          "[bus][P25]") {
  shop fx;
  auto s = fx.billing();
  for (int i = 1; i <= 6; ++i) fx.publish(i, "ann");
  REQUIRE(fx.bus.settle());
  fx.down = false;
  const peal::redrive_options slowly{.per_second = 1};
  auto r = fx.bus.start_redrive<order>({}, slowly);
  fx.advance(1500ms);
  CHECK(fx.handled.size() == 2);
  r.pause();
  CHECK(r.progress().state == peal::redrive_state::paused);
  fx.advance(1h);
  CHECK(fx.handled.size() == 2);
  r.resume();
  fx.advance(500ms);
  CHECK(fx.handled.size() == 3);
  r.stop();
  CHECK(r.progress().state == peal::redrive_state::stopped);
  CHECK(r.progress().reached == 3);
  fx.advance(1h);
  CHECK(fx.handled.size() == 3);
  CHECK(fx.numbers() == std::vector<std::uint64_t>{4, 5, 6});
  {
    const auto dropped = fx.bus.start_redrive<order>({}, slowly);
    fx.advance(100ms);
  }
  fx.advance(1h);
  CHECK(fx.handled.size() == 4);  // its token died
  fx.bus.start_redrive<order>({.after = r.progress().reached}, slowly).keep();
  fx.advance(1h);
  CHECK(fx.handled.size() == 6);
}

TEST_CASE("start_redrive: letters that die again are not taken twice, and max_cycles holds", "[bus][P25]") {
  shop fx;
  auto s = fx.billing();
  for (int i = 1; i <= 3; ++i) fx.publish(i, "ann");
  REQUIRE(fx.bus.settle());
  const peal::redrive_options once{.per_second = 10, .max_cycles = 1};
  auto r = fx.bus.start_redrive<order>({}, once);
  fx.advance(1h);
  CHECK(r.progress().state == peal::redrive_state::finished);
  CHECK(r.progress().redriven == 3);
  CHECK(s.statistics().redriven == 3);
  auto again = fx.bus.start_redrive<order>({}, once);
  fx.advance(1h);
  CHECK(again.progress().redriven == 0);
  CHECK(again.progress().refused_count == 3);
  REQUIRE(again.progress().refused.size() == 3);
  CHECK(again.progress().refused[0].why == redrive_errc::cycles);
  CHECK(fx.numbers().size() == 3);
}

TEST_CASE("start_redrive: what follows a letter that held its key is edited too, keeps its order and is waited for",
          "[bus][P23][P25]") {
  shop fx;
  auto s = fx.billing(peal::ordered_by{&order::customer});
  for (int i = 1; i <= 4; ++i) fx.publish(i, "ann");
  for (int i = 5; i <= 6; ++i) fx.publish(i, "bob");
  REQUIRE(fx.bus.settle());
  fx.down = false;
  auto r = fx.bus.start_redrive<order>({}, peal::redrive_options{.per_second = 1}, [](order& o) {
    if (o.id == 3) throw 1;
    if (o.id == 6) o.customer = "eve";
    o.address += "x";
  });
  fx.advance(5ms);
  CHECK(fx.handled == std::vector<int>{1, 2, 3, 4});
  CHECK(fx.addresses == std::vector<std::string>{"x", "x", "", "x"});
  fx.advance(3900ms);
  CHECK(fx.handled.size() == 4);
  fx.advance(200ms);
  CHECK(fx.handled == std::vector<int>{1, 2, 3, 4, 5, 6});
  CHECK(fx.addresses.back().empty());
  const auto p = r.progress();
  CHECK(p.redriven == 6);
  REQUIRE(p.refused.size() == 2);
  CHECK(p.refused[0].why == redrive_errc::threw);
  CHECK(p.refused[1].why == redrive_errc::key_changed);
}

TEST_CASE("start_redrive: one that cannot go is passed over; a drain ends it, and so does its bus", "[bus][P10][P25]") {
  peal::redriving r;
  {
    shop fx;
    auto s = fx.billing();
    auto gone = fx.subscribe<order>("gone", [](const order&) { throw gateway_down(); });
    for (int i = 1; i <= 4; ++i) fx.publish(i, "ann");
    REQUIRE(fx.bus.settle());
    gone.stop();
    fx.down = false;
    const auto picky = peal::letters_where{[](const order& o) {
      if (o.id == 2) throw 1;
      return true;
    }};
    r = fx.bus.start_redrive<order>({}, peal::redrive_options{.per_second = 1}, picky);
    fx.advance(1100ms);
    CHECK(fx.handled == std::vector<int>{1, 3});
    CHECK(r.progress().refused[0].why == redrive_errc::threw);
    auto nobody = fx.bus.start_redrive<order>({.subscription = "gone"}, peal::redrive_options{.per_second = 1});
    fx.advance(5ms);
    CHECK(nobody.progress().state == peal::redrive_state::finished);
    REQUIRE(nobody.progress().refused.size() == 4);
    CHECK(nobody.progress().refused[3].why == redrive_errc::no_subscription);
    CHECK(fx.bus.drain(1s).complete);
    fx.advance(1h);
    CHECK(r.progress().state == peal::redrive_state::stopped);
    CHECK(fx.handled == std::vector<int>{1, 3});
    r = fx.bus.start_redrive<order>({}, peal::redrive_options{.per_second = 1});
  }
  CHECK(r.progress().state == peal::redrive_state::stopped);
  r.stop();
  shop fx;
  CHECK_THROWS_AS(fx.bus.start_redrive<order>({}), peal::bad_option);
  CHECK_THROWS_AS(fx.bus.start_redrive<order>({}, peal::redrive_options{.per_second = 1, .burst = 0}),
                  peal::bad_option);
  CHECK_THROWS_AS(fx.bus.start_redrive<order>({}, peal::redrive_options{.per_second = 1, .dry_run = true}),
                  peal::bad_option);
}

TEST_CASE("start_redrive: a rate beyond what timers can tell is kept in the long run", "[bus][P25]") {
  stepped<order> fx;
  bool down = true;
  std::size_t handled = 0;
  auto s = fx.subscribe<order>("s", [&](const order&) {
    if (down) throw gateway_down();
    ++handled;
  });
  for (int i = 0; i != 4'000; ++i) {
    fx.bus.publish(order{i});
    if (i % 1'000 == 0) fx.run();
  }
  REQUIRE(fx.bus.settle());
  down = false;
  auto r = fx.bus.start_redrive<order>({}, peal::redrive_options{.per_second = 3'000});
  fx.advance(1s);
  CHECK(handled >= 2'990);
  CHECK(handled <= 3'010);
  fx.advance(1s);
  CHECK(handled == 4'000);
}

TEST_CASE("start_redrive: with a burst what follows a letter by itself is neither edited nor counted twice",
          "[bus][P23][P25]") {
  shop fx;
  auto s = fx.billing(peal::ordered_by{&order::customer});
  for (int i = 1; i <= 4; ++i) fx.publish(i, i == 4 ? "bob" : "ann");
  REQUIRE(fx.bus.settle());
  fx.down = false;
  auto r = fx.bus.start_redrive<order>({}, peal::redrive_options{.per_second = 1, .burst = 10},
                                       [](order& o) { o.address += "x"; });
  fx.advance(5ms);
  CHECK(fx.addresses == std::vector<std::string>{"x", "x", "x", "x"});
  CHECK(r.progress().redriven == 4);
  CHECK(r.progress().state == peal::redrive_state::finished);
  CHECK(s.statistics().redriven == 4);
}
