// SPDX-License-Identifier: MIT
// Projections: positions, several topics, failures in the middle, rebuilding.
#include <peal/core/overloaded.hpp>
#include <peal/core/skip_on_replay.hpp>
#include <peal/pattern/projection.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "pattern/bank.hpp"
#include "support/catch.hpp"

using namespace bank;

namespace {

using sums = peal::projection<opened, deposited, withdrawn>;

/// A model in memory: what everybody has, and how often it was told to begin anew.
struct model {
  std::map<std::string, std::int64_t> cents;
  std::string order;
  int replayed = 0;
  int cleared = 0;
  std::int64_t refuses = 0;  // a deposit of so many cents

  auto handlers() {
    return peal::overloaded{
        [](const opened&) {},
        [this](const deposited& e, const peal::replayed_event& about) {
          if (e.cents == refuses) throw std::runtime_error("not this one");
          cents[std::string(about.key())] += e.cents;
          order += std::to_string(e.cents) + " ";
          replayed += about.replaying() ? 1 : 0;
        },
        [this](const withdrawn& e, const peal::replayed_event& about) { cents[std::string(about.key())] -= e.cents; }};
  }
  auto emptied() {
    return peal::on_rebuild{[this] {
      cents.clear();
      order.clear();
      ++cleared;
    }};
  }
};

peal::projection_options named(std::string name, std::size_t batch = 256) {
  return {.name = std::move(name), .topics = {"bank.accounts"}, .batch = batch};
}
std::string cursors_in(const peal::store& kept) {
  std::string text;
  kept.cursors([&](const peal::stored_cursor& c) {
    text.append(c.subscription).append("/").append(c.topic).append("=").append(std::to_string(c.position)).append(" ");
  });
  return text;
}

}  // namespace

TEST_CASE("projection: folds what there is, and goes on where it ended, also in the next process",
          "[pattern][projection]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  model m;
  all.append("a", peal::no_stream, opened{"Ann"}, deposited{5});
  {
    sums p{kept, named("sums"), m.handlers()};
    CHECK(p.lag() == 2);
    CHECK(p.catch_up() == peal::projection_report{2, 0, 0});
    CHECK(p.catch_up() == peal::projection_report{});
    CHECK(p.lag() == 0);
    CHECK(p.position("bank.accounts") == 2);
    CHECK(p.position("another") == 0);
  }
  all.append("b", peal::no_stream, deposited{7});
  CHECK(cursors_in(kept) == "sums/bank.accounts=2 ");
  sums p{kept, named("sums"), m.handlers()};
  CHECK(p.lag() == 1);
  CHECK(p.catch_up().handled == 1);
  CHECK(m.cents == std::map<std::string, std::int64_t>{{"a", 5}, {"b", 7}});
  CHECK(m.replayed == 0);
}

TEST_CASE("projection: many batches, holes, and events that were gone before it came", "[pattern][projection]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  for (int i = 1; i <= 1'000; ++i) all.append(std::to_string(i % 7), peal::any_version, deposited{1});
  kept.trim("bank.accounts", 100);
  const std::size_t batch =
      GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{90}, std::size_t{300}, std::size_t{5'000});
  model m;
  sums p{kept, named("sums", batch), m.handlers()};
  CHECK(p.lag() == 900);
  CHECK(p.catch_up() == peal::projection_report{900, 0, 100});
  kept.trim("bank.accounts", 1'000);
  all.append("a", peal::any_version, deposited{1});
  kept.trim("bank.accounts", 1'001);
  CHECK(p.catch_up() == peal::projection_report{0, 0, 1});
  CHECK(p.position("bank.accounts") == 1'001);
}

TEST_CASE("projection: events that come while it catches up are for the next round", "[pattern][projection]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  for (int i = 0; i < 600; ++i) all.append(i < 300 ? std::to_string(i) : "z", peal::any_version, deposited{1});
  kept.compact("bank.accounts", 600);  // behind position 299 there is 599
  std::int64_t sum = 0;
  peal::projection<deposited> p{kept, named("sum"), [&](const deposited& e) {
                                  if (sum == 0) all.append("new", peal::any_version, deposited{10}, deposited{20});
                                  sum += e.cents;
                                }};
  CHECK(p.catch_up() == peal::projection_report{301, 0, 299});
  CHECK(p.lag() == 2);
  CHECK(p.catch_up() == peal::projection_report{2, 0, 0});
  CHECK(sum == 331);
}

TEST_CASE("projection: topics are folded as one, by the time of publication", "[pattern][projection]") {
  peal::memory_store kept;
  const auto add = [&](std::string_view topic, std::int64_t cents, peal::wall_time published) {
    peal::byte_buffer bytes;
    peal::encode(deposited{cents}, bytes);
    peal::store_batch b;
    peal::stored_event& e = b.events.emplace_back();
    e.topic = topic;
    e.position = kept.range(topic).next;
    e.name = deposited::name.name;
    e.published = published;
    e.payload = bytes;
    kept.commit(b);
  };
  add("x", 1, 10);
  add("x", 5, 40);
  add("x", 6, 30);  // the clock was set back
  add("y", 2, 10);
  add("y", 3, 20);
  add("y", 4, 35);
  add("y", 7, 50);
  const std::size_t batch = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{100});
  model m;
  sums p{kept, {.name = "both", .topics = {"x", "y", "empty"}, .batch = batch}, m.handlers()};
  CHECK(p.lag() == 7);
  CHECK(p.catch_up().handled == 7);
  CHECK(m.order == "1 2 3 4 5 6 7 ");
  CHECK(p.position("x") == 3);
  CHECK(p.position("y") == 4);
  CHECK(p.position("empty") == 0);
  CHECK(cursors_in(kept) == "both/x=3 both/y=4 ");
}

TEST_CASE("projection: a handler that throws stops it in front of its event, and what is before is kept",
          "[pattern][projection]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  for (int i = 1; i <= 10; ++i) all.append("a", peal::any_version, deposited{i});
  model m;
  m.refuses = 6;
  sums p{kept, named("sums", 4), m.handlers()};
  CHECK_THROWS_AS(p.catch_up(), std::runtime_error);
  CHECK_THROWS_AS(p.catch_up(), std::runtime_error);
  CHECK(m.order == "1 2 3 4 5 ");
  CHECK(cursors_in(kept) == "sums/bank.accounts=5 ");
  m.refuses = 0;
  CHECK(p.catch_up().handled == 5);
  CHECK(m.order == "1 2 3 4 5 6 7 8 9 10 ");
}

TEST_CASE("projection: an event that cannot be read stops it, or is handed on", "[pattern][projection]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  all.append("a", peal::any_version, deposited{1}, withdrawn{1}, deposited{2});
  std::int64_t sum = 0;
  const auto add = [&](const deposited& e) { sum += e.cents; };
  peal::projection<deposited> strict{kept, named("strict"), add};
  CHECK_THROWS_AS(strict.catch_up(), peal::event_unreadable);
  CHECK_THROWS_AS(strict.catch_up(), peal::event_unreadable);
  CHECK(sum == 1);
  CHECK(strict.position("bank.accounts") == 1);
  std::string refused;
  peal::projection<deposited> lenient{
      kept, named("lenient"), add,
      peal::on_unreadable{[&](const peal::stored_event& e, std::string_view) { refused += e.name; }}};
  CHECK(lenient.catch_up() == peal::projection_report{2, 1, 0});
  CHECK(refused == "bank.withdrawn");
  CHECK(sum == 4);
}

TEST_CASE("projection: a store that says no is heard, and the model is not folded twice", "[pattern][projection]") {
  peal::memory_store inner;
  peal::testing::faulty_store kept{&inner};
  accounts all{kept, "bank.accounts"};
  all.append("a", peal::any_version, deposited{1}, deposited{2}, deposited{3});
  model m;
  sums p{kept, named("sums", 2), m.handlers()};
  kept.fail(1, peal::store_errc::no_space);
  CHECK_THROWS_AS(p.catch_up(), peal::store_error);
  CHECK(p.catch_up().handled == 1);
  CHECK(m.order == "1 2 3 ");
  CHECK(cursors_in(kept) == "sums/bank.accounts=3 ");
}

TEST_CASE("projection: rebuilt from the beginning it knows what it has seen before, also in the next process",
          "[pattern][projection]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  all.append("a", peal::any_version, deposited{1}, deposited{2}, deposited{3});
  model m;
  {
    sums p{kept, named("sums"), m.handlers(), m.emptied()};
    p.catch_up();
    CHECK(p.rebuild() == peal::projection_report{3, 0, 0});
    CHECK(m.cleared == 1);
    CHECK(m.replayed == 3);
    CHECK(m.order == "1 2 3 ");
    all.append("a", peal::any_version, deposited{4});
    p.catch_up();
    CHECK(m.replayed == 3);
    CHECK(cursors_in(kept) == "sums/bank.accounts=4 ");
    m.refuses = 2;
    CHECK_THROWS(p.rebuild());
  }
  CHECK(cursors_in(kept) == "sums/bank.accounts=1 sums (rebuilding)/bank.accounts=4 ");
  m.refuses = 0;
  m.replayed = 0;
  all.append("a", peal::any_version, deposited{5});
  sums p{kept, named("sums"), m.handlers()};
  CHECK(p.catch_up().handled == 4);
  CHECK(m.order == "1 2 3 4 5 ");
  CHECK(m.replayed == 3);
  CHECK(cursors_in(kept) == "sums/bank.accounts=5 ");
}

TEST_CASE("projection: side effects are not repeated when it is rebuilt", "[pattern][projection]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  all.append("a", peal::any_version, deposited{1}, deposited{2});
  int mails = 0;
  peal::projection<deposited> p{kept, named("mails"), peal::skip_on_replay{[&](const deposited&) { ++mails; }}};
  p.catch_up();
  CHECK(p.rebuild().handled == 2);
  all.append("a", peal::any_version, deposited{3});
  p.catch_up();
  CHECK(mails == 3);
}

TEST_CASE("projection: a model in memory begins at the beginning, and keeps no position", "[pattern][projection]") {
  peal::memory_store kept;
  accounts all{kept, "bank.accounts"};
  all.append("a", peal::any_version, deposited{1}, deposited{2});
  for (int process = 0; process < 2; ++process) {
    model m;
    auto options = named("in memory");
    options.keep_position = false;
    sums p{kept, options, m.handlers(), m.emptied()};
    all.append("a", peal::any_version, deposited{3});
    p.catch_up();
    CHECK(m.replayed == 2 + process);
    CHECK(p.rebuild().handled == static_cast<std::uint64_t>(3 + process));
    CHECK(m.replayed == 5 + 2 * process);
  }
  CHECK(cursors_in(kept).empty());
}

TEST_CASE("projection: without a name or a topic it is not made", "[pattern][projection]") {
  peal::memory_store kept;
  const auto make = [&](const peal::projection_options& o) {
    peal::projection<deposited> p{kept, o, [](const deposited&) {}};
  };
  CHECK_THROWS_AS(make({.topics = {"x"}}), peal::bad_option);
  CHECK_THROWS_AS(make({.name = "x"}), peal::bad_option);
}
