// SPDX-License-Identifier: MIT
// States of streams: folded, from snapshots, and as they once were.
#include <peal/pattern/aggregates.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/store_wrapper.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "pattern/stream_property.hpp"
#include "support/bus_fixture.hpp"
#include "support/catch.hpp"

using namespace bank;

namespace {

/// Counts the events that are shown.
struct counting final : peal::testing::store_wrapper {
  using store_wrapper::store_wrapper;
  mutable std::uint64_t shown = 0;
  std::uint64_t read_stream(std::string_view topic, std::string_view key, std::uint64_t from, std::size_t max,
                            peal::visitor<peal::stored_event> show) const override {
    return store_wrapper::read_stream(topic, key, from, max, [&](const peal::stored_event& e) {
      ++shown;
      return show(e);
    });
  }
};

std::uint64_t snapshots_in(const peal::store& kept) {
  const auto range = kept.range("bank.accounts.snapshots");
  return range.next - range.first;
}

/// The state of an older program, of the next one, which knows it, and of one that does not.
struct old_balance {
  std::int64_t cents{};
  void apply(const opened&) {}
  void apply(const deposited& e) { cents += e.cents; }
  void apply(const withdrawn& e) { cents -= e.cents; }
  static constexpr peal::event_name name{"bank.balance", 1};
  static constexpr auto fields = peal::fields(peal::field{"cents", &old_balance::cents});
};
struct new_balance : balance {
  using previous = old_balance;
  static new_balance upcast(old_balance&& old) { return {{"unknown", old.cents}}; }
  static constexpr peal::event_name name{"bank.balance", 2};
  static constexpr auto fields =
      peal::fields(peal::field{"owner", &new_balance::owner}, peal::field{"cents", &new_balance::cents});
};
struct unrelated_balance : balance {
  static constexpr peal::event_name name{"bank.balance", 2};
  static constexpr auto fields =
      peal::fields(peal::field{"owner", &unrelated_balance::owner}, peal::field{"cents", &unrelated_balance::cents});
};

struct other_state : balance {
  static constexpr peal::event_name name{"bank.other", 1};
  static constexpr auto fields = peal::fields(peal::field{"cents", &other_state::cents});
};

}  // namespace

TEST_CASE("aggregates: a state is what its events make of it, and as of any version what the first ones did",
          "[pattern][aggregates]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  all.append("other", peal::any_version, deposited{7});
  all.append("a", peal::no_stream, opened{"Ann"}, deposited{100});
  all.append("a", 2, withdrawn{30});
  const auto now = peal::rebuild<balance>(all, "a");
  CHECK(now.state == balance{"Ann", 70});
  CHECK(now.version == 3);
  CHECK(now.position == 3);
  CHECK(now.published > 0);
  CHECK(peal::rebuild<balance>(all, "a", {.version = 2}).state == balance{"Ann", 100});
  CHECK(peal::rebuild<balance>(all, "a", {.position = 1}).state == balance{"Ann", 0});
  CHECK(peal::rebuild<balance>(all, "a", {.position = 0}).version == 0);
  CHECK(peal::rebuild<balance>(all, "a", {.time = now.published}).version == 3);
  CHECK(peal::rebuild<balance>(all, "a", {.time = 0}).version == 0);
  CHECK(peal::rebuild<balance>(all, "nobody").version == 0);
  const auto count = [](std::uint64_t& n, const auto&) { ++n; };
  CHECK(peal::rebuild<std::uint64_t>(all, "a", {}, count).state == 3);
}

TEST_CASE("aggregates: with snapshots a state is loaded from the newest, and the events behind it alone are read",
          "[pattern][aggregates]") {
  peal::memory_store inner;
  counting kept{&inner};
  accounts streams{kept, "bank.accounts"};
  balances all{streams, {.snapshot_every = 10}};
  CHECK(all.snapshot_topic() == "bank.accounts.snapshots");
  auto a = all.load("a");
  all.append("a", a, opened{"Ann"});
  for (int i = 0; i < 33; ++i) all.append("a", a, deposited{1});
  CHECK(a.state == balance{"Ann", 33});
  CHECK(a.version == 34);
  CHECK(a.snapshot == 30);
  CHECK(snapshots_in(kept) == 3);
  kept.shown = 0;
  const auto again = all.load("a");
  CHECK(again.state == a.state);
  CHECK(again.version == 34);
  CHECK(again.position == a.position);
  CHECK(again.published == a.published);
  CHECK(again.snapshot == 30);
  CHECK(kept.shown == 5);
  kept.shown = 0;
  const auto then = all.load("a", {.version = 22});
  CHECK(then.state.cents == 21);
  CHECK(then.snapshot == 20);
  CHECK(kept.shown <= 9);
  CHECK(all.load("a", {.version = 9}).snapshot == 0);
  CHECK(all.load("a", {.version = 9}).state.cents == 8);
}

TEST_CASE("aggregates: what snapshots stand for may leave the store, and old snapshots, too", "[pattern][aggregates]") {
  peal::memory_store kept;
  accounts streams{kept, "bank.accounts"};
  balances all{streams, {.snapshot_every = 10}};
  auto a = all.load("a");
  for (int i = 0; i < 35; ++i) all.append("a", a, deposited{1});
  kept.compact(all.snapshot_topic(), kept.range(all.snapshot_topic()).next);
  CHECK(snapshots_in(kept) == 1);
  CHECK(all.load("a").snapshot == 30);
  CHECK(all.load("a", {.version = 22}).state.cents == 22);
  kept.trim("bank.accounts", 30);
  CHECK(all.load("a").state.cents == 35);
  CHECK_THROWS_AS(all.load("a", {.version = 22}), peal::stream_incomplete);
  CHECK_THROWS_AS(peal::rebuild<balance>(streams, "a"), peal::stream_incomplete);
}

TEST_CASE("aggregates: a state that is not the stream's any more is not appended to, and stays",
          "[pattern][aggregates]") {
  peal::memory_store kept;
  accounts streams{kept, "bank.accounts"};
  balances all{streams, {.snapshot_every = 1}};
  auto mine = all.load("a");
  auto other = all.load("a");
  all.append("a", other, deposited{5});
  CHECK_THROWS_AS(all.append("a", mine, deposited{7}), peal::version_conflict);
  CHECK(mine.state.cents == 0);
  CHECK(mine.version == 0);
  CHECK(snapshots_in(kept) == 1);
  mine = all.load("a");
  CHECK(all.append("a", mine, {.correlation = {1, 1}}, deposited{7}).version == 2);
  CHECK(all.load("a").state.cents == 12);
}

TEST_CASE("aggregates: a decision is made anew when somebody else was first", "[pattern][aggregates]") {
  peal::memory_store kept;
  accounts streams{kept, "bank.accounts"};
  balances all{streams, {.snapshot_every = 4}};
  int asked = 0;
  const auto now = all.update("a", [&](const balance& b) {
    if (++asked < 3) streams.append("a", peal::any_version, deposited{10});
    return deposited{b.cents};
  });
  CHECK(asked == 3);
  CHECK(now.state.cents == 40);
  CHECK(all.update("a", [](const balance&) { return std::optional<withdrawn>{}; }).version == 3);
  CHECK(all.update("a", [](const balance&) { return std::tuple{withdrawn{1}, withdrawn{2}}; }).state.cents == 37);
  CHECK(all.load("a").snapshot == 5);
  const auto always_late = [&](const balance&) {
    streams.append("a", peal::any_version, deposited{1});
    return deposited{1};
  };
  CHECK_THROWS_AS(all.update("a", always_late, 3), peal::version_conflict);
  CHECK(all.load("a").version == 8);
  CHECK_THROWS_AS(all.update("a", [](const balance&) -> deposited { throw std::runtime_error("no"); }),
                  std::runtime_error);
}

TEST_CASE("aggregates: a snapshot of another version is brought up to date, or passed over", "[pattern][aggregates]") {
  peal::memory_store kept;
  accounts streams{kept, "bank.accounts"};
  peal::aggregates<old_balance, accounts> before{streams, {.snapshot_every = 3}};
  auto a = before.load("a");
  before.append("a", a, opened{"Ann"}, deposited{5}, deposited{6}, deposited{7});
  REQUIRE(a.snapshot == 4);
  SECTION("upcast") {
    peal::aggregates<new_balance, accounts> after{streams, {.snapshot_every = 3}};
    const auto now = after.load("a");
    CHECK(now.snapshot == 4);
    CHECK(now.state.cents == 18);
    CHECK(now.state.owner == "unknown");
  }
  SECTION("of another state") {
    peal::aggregates<other_state, accounts> after{streams, {.snapshot_every = 3}};
    CHECK(after.load("a").snapshot == 0);
    CHECK(after.load("a").state == other_state{{"Ann", 18}});
  }
  SECTION("passed over") {
    peal::aggregates<unrelated_balance, accounts> after{streams, {.snapshot_every = 3}};
    auto now = after.load("a");
    CHECK(now.snapshot == 0);
    CHECK(now.state.cents == 18);
    CHECK(now.state.owner == "Ann");
    after.keep_snapshot("a", now);
    CHECK(after.load("a").snapshot == 4);
    CHECK(snapshots_in(kept) == 2);
    CHECK(before.load("a").snapshot == 4);  // its own, the one before that which it does not know
    CHECK(before.load("a").state.cents == 18);
  }
}

TEST_CASE("aggregates: as of any position, with and without snapshots, a state is the fold of the first events",
          "[pattern][aggregates]") {
  peal::memory_store kept;
  states_are_folds_of_prefixes(kept, peal_test::repeat(400, 4));
}
