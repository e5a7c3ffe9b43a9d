// SPDX-License-Identifier: MIT
// Streams by key: versions, conflicts, and writers that meet.
#include <peal/pattern/aggregates.hpp>
#include <peal/pattern/event_streams.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "pattern/bank.hpp"
#include "support/bus_fixture.hpp"
#include "support/catch.hpp"

using namespace bank;

TEST_CASE("event_streams: events of a key are numbered from 1, whatever other keys do", "[pattern][streams]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  CHECK(all.version("a") == 0);
  CHECK(all.append("a", peal::no_stream, opened{"Ann"}, deposited{100}) == peal::appended{2, 1});
  CHECK(all.append("b", peal::no_stream, opened{"Bob"}) == peal::appended{1, 2});
  CHECK(all.append("a", 2, withdrawn{30}) == peal::appended{3, 3});
  CHECK(all.append("a", peal::any_version, deposited{1}) == peal::appended{4, 4});
  CHECK(all.version("a") == 4);
  CHECK(story(all, "a") == "1@0 opened Ann, 2@1 +100, 3@3 -30, 4@4 +1");
  CHECK(story(all, "a", 3) == "3@3 -30, 4@4 +1");
  CHECK(story(all, "nobody").empty());
}

TEST_CASE("event_streams: a writer that has not seen the newest event is told what there is, and nothing is kept",
          "[pattern][streams]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  all.append("a", peal::no_stream, opened{"Ann"}, deposited{100});
  const auto conflict = [&](peal::expected_version expected) -> std::string {
    try {
      all.append("a", expected, withdrawn{1}, withdrawn{1});
    } catch (const peal::version_conflict& c) {
      CHECK(c.topic() == "bank.accounts");
      CHECK(c.key() == "a");
      CHECK(c.expected() == expected);
      CHECK(c.actual() == 2);
      return c.what();
    }
    return "none";
  };
  CHECK(conflict(1) ==
        "peal: stream \"a\" of bank.accounts: expected version 1, found version 2. Somebody else was first: load it "
        "again and decide anew");
  CHECK_THAT(conflict(peal::no_stream), peal_test::contains_text("expected no stream, found version 2"));
  CHECK_THAT(conflict(3), peal_test::contains_text("expected version 3, found version 2"));
  CHECK(kept.range("bank.accounts").next == 2);
  CHECK_THROWS_AS(all.append("new", 1, deposited{1}), peal::version_conflict);
}

TEST_CASE("event_streams: correlation and causation go with the events, and types are described once",
          "[pattern][streams]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  all.append("a", 0, {.correlation = {1, 2}, .causation = {3, 4}}, opened{"Ann"});
  all.append("a", 1, deposited{1});
  std::vector<peal::event_id> ids;
  all.read("a", [&](const auto&, const peal::replayed_event& r) {
    CHECK(r.replaying());
    CHECK(r.key() == "a");
    CHECK(r.published() > 0);
    ids.insert(ids.end(), {r.id(), r.correlation(), r.causation()});
  });
  REQUIRE(ids.size() == 6);
  CHECK(ids[1] == peal::event_id{1, 2});
  CHECK(ids[2] == peal::event_id{3, 4});
  CHECK(ids[4] == ids[3]);
  CHECK(ids[3].position() == 1);
  CHECK(ids[3] != ids[0]);
  std::size_t types = 0;
  kept.types([&](const peal::stored_type& t) { types += t.schema.empty() ? 0U : 1U; });
  CHECK(types == 3);
}

TEST_CASE("event_streams: a store that refuses is not asked again, and a transaction takes the events in",
          "[pattern][streams]") {
  peal::memory_store inner;
  peal::testing::faulty_store kept{&inner};
  accounts all{kept, "bank.accounts"};
  SECTION("no space") {
    kept.fail(1, peal::store_errc::no_space);
    CHECK_THROWS_AS(all.append("a", peal::any_version, opened{"Ann"}), peal::store_error);
  }
  SECTION("a conflict that nobody made") {
    kept.fail(1, peal::store_errc::conflict);
    CHECK_THROWS_AS(all.append("a", peal::any_version, opened{"Ann"}), peal::store_error);
  }
  SECTION("a conflict within a transaction leaves it open") {
    CHECK_THROWS_AS(all.commit(kept, "a", 1, opened{"Ann"}), peal::version_conflict);
    CHECK(kept.changes() == 0);
  }
  CHECK(kept.range("bank.accounts").next == 0);
  CHECK(all.commit(kept, "a", peal::no_stream, opened{"Ann"}) == peal::appended{1, 0});
  CHECK(story(all, "a") == "1@0 opened Ann");
}

TEST_CASE("event_streams: events that are gone are no stream to fold", "[pattern][streams]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  all.append("a", peal::no_stream, opened{"Ann"}, deposited{1}, deposited{2});
  all.append("b", peal::no_stream, opened{"Bob"});
  kept.trim("bank.accounts", 2);
  CHECK_THROWS_WITH(story(all, "a"),
                    "peal: stream \"a\" of bank.accounts: versions 1 to 2 were trimmed or compacted, and no snapshot "
                    "stands for them");
  CHECK(story(all, "a", 3) == "3@2 +2");
  kept.trim("bank.accounts", 4);
  CHECK_THROWS_AS(story(all, "b"), peal::stream_incomplete);
  CHECK_THROWS_AS(story(all, "a", 3), peal::stream_incomplete);
  CHECK(all.append("a", 3, deposited{4}) == peal::appended{4, 4});
}

TEST_CASE("event_streams: writers that meet lose no event, and one of those with the same version wins",
          "[pattern][streams]") {
  constexpr std::uint64_t each = peal_test::repeat(1'500, 6);
  constexpr std::uint64_t threads = 4;
  const peal_test::watchdog watched{"the writers of streams"};
  peal::memory_store kept;
  std::atomic<std::uint64_t> conflicts{0};
  std::vector<std::thread> writers;
  for (std::uint64_t t = 0; t < threads; ++t) {
    writers.emplace_back([&kept, &conflicts, t] {
      accounts mine{kept, "bank.accounts"};
      for (std::uint64_t i = 0; i < each; ++i) {
        mine.append("shared", peal::any_version, deposited{1}, withdrawn{1});
        mine.append(std::to_string(t), i, deposited{1});
        for (bool won = false; !won;) {
          try {
            const auto count = peal::rebuild<balance>(mine, "counter").state.cents;
            mine.append("counter", static_cast<std::uint64_t>(count), deposited{1});
            won = true;
          } catch (const peal::version_conflict&) {
            conflicts.fetch_add(1);
          }
          if (i % 50 != 0) break;  // the fold is long
        }
      }
    });
  }
  for (std::thread& w : writers) w.join();
  accounts all{kept, "bank.accounts"};
  CHECK(all.version("shared") == 2 * threads * each);
  CHECK(peal::rebuild<balance>(all, "shared").state.cents == 0);
  CHECK(all.version("3") == each);
  const auto counter = peal::rebuild<balance>(all, "counter");
  CHECK(static_cast<std::uint64_t>(counter.state.cents) == counter.version);
  CHECK(kept.range("bank.accounts").next == 3 * threads * each + counter.version);
  std::printf("event_streams: appended=%llu conflicts=%llu\n",
              static_cast<unsigned long long>(kept.range("bank.accounts").next),
              static_cast<unsigned long long>(conflicts.load()));
}
