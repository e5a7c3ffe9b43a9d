// SPDX-License-Identifier: MIT
// Replay: from where to where, what cannot be read, and what must not happen again.
#include <peal/core/overloaded.hpp>
#include <peal/core/skip_on_replay.hpp>
#include <peal/pattern/replay.hpp>
#include <peal/store/memory_store.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/stress_options.hpp"

namespace {

struct placed_v1 {
  std::string id;
  static constexpr peal::event_name name{"shop.placed", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &placed_v1::id});
};
struct placed {
  std::string id;
  std::int64_t cents{};
  using previous = placed_v1;
  static placed upcast(placed_v1&& old) {
    if (old.id.empty()) throw std::invalid_argument("an order without an id");
    return {std::move(old.id), 100};
  }
  static constexpr peal::event_name name{"shop.placed", 2};
  static constexpr auto fields = peal::fields(peal::field{"id", &placed::id}, peal::field{"cents", &placed::cents});
};
struct paid {
  std::string id;
  static constexpr peal::event_name name{"shop.paid", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &paid::id});
};

/// A topic whose n-th event was published at a moment of one's choice.
class topic {
 public:
  template <class E>
  void add(const E& event, peal::wall_time published = 0) {
    add(peal::name_of<E>().name, peal::name_of<E>().version, encoded(event), published);
  }
  void add(std::string_view name, std::uint32_t version, const peal::byte_buffer& bytes,
           peal::wall_time published = 0) {
    peal::store_batch b;
    peal::stored_event& e = b.events.emplace_back();
    e.topic = "shop";
    e.position = kept.range("shop").next;
    e.id = {7, e.position};
    e.name = name;
    e.version = version;
    e.published = published;
    e.payload = bytes;
    kept.commit(b);
  }
  template <class E>
  static peal::byte_buffer encoded(const E& event) {
    peal::byte_buffer bytes;
    peal::encode(event, bytes);
    return bytes;
  }

  peal::memory_store kept;
};

/// The ids of a replay, and what it reports.
struct seen {
  std::string ids;
  peal::replay_report report;
};
seen replayed(const topic& t, const peal::replay_range& range) {
  seen s;
  s.report = peal::replay<placed, paid>(t.kept, "shop", range, [&](const auto& e) { s.ids += e.id; });
  return s;
}

}  // namespace

TEST_CASE("replay: handlers get the events of a range in order, and are told what is known of them",
          "[pattern][replay]") {
  topic t;
  t.add(placed{"a", 5}, 10);
  t.add(placed_v1{"b"}, 20);
  t.add(paid{"a"}, 30);
  std::string text;
  const auto report = peal::replay<placed, paid>(
      t.kept, "shop", {},
      peal::overloaded{[&](const placed& o, const peal::replayed_event& r) {
                         CHECK(r.topic() == "shop");
                         CHECK(r.id() == peal::event_id{7, r.position()});
                         CHECK(r.correlation() == r.id());
                         CHECK_FALSE(r.causation());
                         CHECK(r.published() == static_cast<peal::wall_time>(10 * (r.position() + 1)));
                         CHECK(r.replaying());
                         CHECK(r.stored_as() == 2 - r.position());
                         CHECK(r.stream_version() == 0);
                         text += o.id + std::to_string(o.cents) + " ";
                       },
                       [&](const paid& p) { text += "paid " + p.id; }});
  CHECK(text == "a5 b100 paid a");
  CHECK(report == peal::replay_report{0, 3, 3, 0, 0});
  CHECK(replayed(t, {.from = 1}).ids == "ba");
  CHECK(replayed(t, {.to = 1}).ids == "a");
  CHECK(replayed(t, {.from = 1, .to = 2}).report == peal::replay_report{1, 2, 1, 0, 0});
  CHECK(replayed(t, {.since = 20}).ids == "ba");
  CHECK(replayed(t, {.since = 11, .until = 30}).ids == "b");
  CHECK(replayed(t, {.since = 31}).report == peal::replay_report{3, 3, 0, 0, 0});
  CHECK(replayed(t, {.from = 9}).report == peal::replay_report{9, 9, 0, 0, 0});
  CHECK(replayed(t, {.from = 2, .to = 1}).report == peal::replay_report{2, 2, 0, 0, 0});
  CHECK(replayed(t, {.until = 5}).ids.empty());
  CHECK(peal::replay<paid>(t.kept, "nothing", {}, [](const paid&) {}).handled == 0);
}

TEST_CASE("replay: events that are gone are counted, those that come meanwhile are not replayed", "[pattern][replay]") {
  topic t;
  for (int i = 0; i < 2'000; ++i) t.add(placed{"x", i});
  t.kept.trim("shop", 600);
  CHECK(replayed(t, {}).report == peal::replay_report{0, 2'000, 1'400, 0, 600});
  CHECK(replayed(t, {.from = 590, .to = 610}).report == peal::replay_report{590, 610, 10, 0, 10});
  CHECK(replayed(t, {.from = 10, .to = 20}).report == peal::replay_report{10, 20, 0, 0, 10});
  std::uint64_t n = 0;
  peal::replay<placed, paid>(t.kept, "shop", {}, [&](const auto&) {
    if (++n % 7 == 0) t.add(placed{"new", 1});
  });
  CHECK(n == 1'400);
}

TEST_CASE("replay: what cannot be read stops it with its place, or is handed on and counted", "[pattern][replay]") {
  const peal::byte_buffer broken{std::byte{0x91}};
  topic t;
  t.add(placed{"a", 1});
  std::string ids;
  const auto failure = [&]() -> std::string {
    try {
      peal::replay<placed>(t.kept, "shop", {}, [&](const placed& o) { ids += o.id; });
    } catch (const peal::event_unreadable& e) {
      CHECK(e.topic() == "shop");
      CHECK(e.position() == 1);
      return e.name() + " " + std::to_string(e.version()) + ": " + e.what();
    }
    return "none";
  };
  SECTION("an event of no type of this program") {
    t.add(paid{"a"});
    CHECK(failure() ==
          "shop.paid 1: peal: shop at 1: shop.paid of version 1 cannot be read: this program knows no such event");
  }
  SECTION("bytes that are damaged") {
    t.add("shop.placed", 2, broken);
    CHECK_THAT(failure(), peal_test::contains_text("shop.placed 2: peal: shop at 1: shop.placed of version 2 cannot"));
  }
  SECTION("a version that is not known") {
    t.add("shop.placed", 7, broken);
    CHECK_THAT(failure(), peal_test::contains_text("this program knows none above 2"));
  }
  SECTION("an upcast that refuses") {
    t.add(placed_v1{""});
    CHECK_THAT(failure(), peal_test::contains_text("an order without an id"));
  }
  CHECK(ids == "a");
  t.add(placed{"b", 1});
  std::vector<std::uint64_t> places;
  const auto report = peal::replay<placed>(
      t.kept, "shop", {}, [&](const placed& o) { ids += o.id; },
      peal::on_unreadable{[&](const peal::stored_event& e, std::string_view why) {
        CHECK_FALSE(why.empty());
        places.push_back(e.position);
      }});
  CHECK(ids == "aab");
  CHECK(places == std::vector<std::uint64_t>{1});
  CHECK(report == peal::replay_report{0, 3, 2, 1, 0});
}

TEST_CASE("replay: a handler that throws ends it, be it with what a codec throws", "[pattern][replay]") {
  topic t;
  t.add(placed{"a", 1});
  t.add(placed{"b", 1});
  const auto run = [&](auto handler) {
    peal::replay<placed>(t.kept, "shop", {}, handler, peal::on_unreadable{[](const auto&, std::string_view) {}});
  };
  CHECK_THROWS_AS(run([](const placed&) { throw std::runtime_error("no"); }), std::runtime_error);
  CHECK_THROWS_AS(run([](const placed&) { throw peal::decode_error("mine", "", 0, "no"); }), peal::decode_error);
}

TEST_CASE("skip_on_replay: its handler runs for what comes for the first time alone", "[pattern][replay]") {
  struct live {
    [[nodiscard]] bool replaying() const { return again; }
    bool again;
  };
  int mails = 0;
  peal::skip_on_replay plain{[&](const paid&) { ++mails; }};
  peal::skip_on_replay told{[&](const paid&, live& d) { mails += d.replaying() ? 1'000 : 1; }};
  peal::skip_on_replay answers{[&](const paid& p) { return placed{p.id, 1}; }};
  peal::skip_on_replay outcomes{[&](const paid&) { return ++mails, peal::outcome{peal::discard}; }};
  for (const bool again : {true, false}) {
    live d{again};
    plain(paid{"a"}, d);
    told(paid{"a"}, d);
    CHECK(answers(paid{"a"}, d).has_value() == !again);
    CHECK((outcomes(paid{"a"}, d).what() == peal::outcome::kind::handled) == again);
    CHECK(mails == (again ? 0 : 3));
  }
  STATIC_REQUIRE(std::is_invocable_v<const decltype(plain)&, const paid&, live&>);
  const auto changing = peal::skip_on_replay{[n = 0](const paid&) mutable { ++n; }};
  STATIC_REQUIRE_FALSE(std::is_invocable_v<decltype(changing)&, const paid&, live&>);
  STATIC_REQUIRE_FALSE(std::is_invocable_v<decltype(plain)&, const paid&, int&>);
  topic t;
  t.add(placed{"a", 1});
  t.add(paid{"a"});
  int seen = 0;
  const auto report =
      peal::replay<placed, paid>(t.kept, "shop", {}, peal::overloaded{[&](const placed&) { ++seen; }, plain});
  CHECK(report.handled == 2);
  CHECK(seen == 1);
  CHECK(mails == 3);
}

TEST_CASE("position_at: the event at it is not older than the moment, and the one before is", "[store][replay]") {
  std::mt19937_64 random{peal_test::seed()};
  for (int round = 0; round < 200; ++round) {
    topic t;
    std::vector<peal::wall_time> published;
    for (auto n = random() % 40; n != 0; --n) {
      // A clock that is set back now and then, in every second round.
      const auto step = static_cast<peal::wall_time>(random() % 5) - (round % 2 == 0 && random() % 8 == 0 ? 20 : 0);
      published.push_back((published.empty() ? 100 : published.back()) + step);
      t.add(placed{"x", 1}, published.back());
    }
    const std::uint64_t first = published.empty() ? 0 : random() % published.size();
    t.kept.trim("shop", first);
    const auto moment = static_cast<peal::wall_time>(90 + random() % 100);
    const std::uint64_t at = peal::position_at(t.kept, "shop", moment);
    REQUIRE(at >= first);
    REQUIRE(at <= published.size());
    if (at < published.size()) CHECK(published[at] >= moment);
    if (at > first) CHECK(published[at - 1] < moment);
  }
}
