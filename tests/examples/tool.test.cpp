// SPDX-License-Identifier: MIT
// The tool for people, on a store in memory: what it prints, changes and refuses.
#include "../../examples/tools/peal/commands.hpp"

#include <peal/codec/codec.hpp>
#include <peal/store/memory_store.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using peal_tool::parse_request;

struct order {
  std::string id;
  std::int64_t cents{};
  static constexpr peal::event_name name{"shop.order", 2};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"cents", &order::cents});
};

constexpr peal::wall_time noon = 1'795'262'400'000'000'000;  // 2026-11-21T12:00:00Z

struct shop {
  peal::memory_store kept;

  /// At least five events: the letter is of the fifth.
  explicit shop(std::size_t events = 12) {
    peal::store_batch b;
    const std::string schema = peal::schema_of<order>();
    std::vector<peal::byte_buffer> bytes(events);
    b.types.push_back({.name = "shop.order", .version = 2, .schema = schema});
    for (std::size_t i = 0; i < events; ++i) {
      peal::encode(order{"o-" + std::to_string(i), static_cast<std::int64_t>(i)}, bytes[i]);
      b.events.push_back(event(i, bytes[i]));
    }
    b.cursors.push_back({.subscription = "billing", .topic = "orders", .position = 7});
    b.pending.push_back({.subscription = "billing", .topic = "orders", .position = 3, .attempts = 2, .due = noon});
    peal::stored_letter l;
    l.subscription = "billing";
    l.number = 5;
    l.event = event(4, bytes[4]);
    l.attempts = 3;
    l.died = noon;
    b.letters.push_back(l);
    kept.commit(b);
  }

  static peal::stored_event event(std::size_t position, const peal::byte_buffer& bytes) {
    peal::stored_event e;
    e.topic = "orders";
    e.position = position;
    e.name = "shop.order";
    e.version = 2;
    e.id = {1, position};
    e.published = noon;
    e.payload = bytes;
    return e;
  }

  std::string out;
  int run(const std::vector<std::string>& words, peal_tool::json_reader read_json = {}) {
    std::vector<std::string> all{"shop.db"};
    all.insert(all.end(), words.begin(), words.end());
    out.clear();
    const peal_tool::request r = parse_request(all);
    return peal_tool::session{r, kept, out, std::move(read_json)}.run();
  }
};

}  // namespace

TEST_CASE("tool: topics and subscriptions with their lag", "[examples][tool]") {
  shop s;
  CHECK(s.run({"topics"}) == 0);
  CHECK(s.out ==
        "  topic    events   first   next\n"
        "  orders       12       0     12\n");
  CHECK(s.run({"subscriptions"}) == 0);
  CHECK(s.out ==
        "  subscription    topic   position   lag   pending   letters\n"
        "  billing        orders          7     5         1         1\n");
  CHECK(s.run({"subscriptions", "--json"}) == 0);
  CHECK(s.out == R"({"subscription":"billing","topic":"orders","position":7,"lag":5,"pending":1,"letters":1})"
                 "\n");
  CHECK(s.run({"types"}) == 0);
  CHECK(s.out == "shop.order 2  {id:str,cents:i64}\n");
}

TEST_CASE("tool: the newest events, with the names of their fields", "[examples][tool]") {
  shop s;
  CHECK(s.run({"tail", "orders", "-n", "2"}) == 0);
  CHECK(s.out ==
        "10  2026-11-21T12:00:00.000000Z  shop.order  {\"id\":\"o-10\",\"cents\":10}\n"
        "11  2026-11-21T12:00:00.000000Z  shop.order  {\"id\":\"o-11\",\"cents\":11}\n");
  CHECK(s.run({"show", "orders", "3"}) == 0);
  CHECK(s.out ==
        R"({"topic":"orders","position":3,"event":"shop.order","version":2,"id":"0000000000000001-0000000000000003",)"
        R"("published":"2026-11-21T12:00:00.000000Z","fields":{"id":"o-3","cents":3}})"
        "\n");
  CHECK(s.run({"show", "orders", "12"}) == 1);
  CHECK(s.out == "orders has no event at 12; it has 0 to 12\n");
}

TEST_CASE("tool: replay prints every event between two positions or moments, whole", "[examples][tool]") {
  shop s;
  const auto positions = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"replay", "orders"});
    CHECK(s.run(more) == 0);
    std::string all;
    for (std::size_t at = 0; (at = s.out.find("\"position\":", at)) != std::string::npos; at += 11) {
      all += s.out.substr(at + 11, s.out.find(',', at) - at - 11) + " ";
    }
    return all;
  };
  CHECK(positions({}) == "0 1 2 3 4 5 6 7 8 9 10 11 ");
  CHECK(positions({"--from", "9"}) == "9 10 11 ");
  CHECK_THAT(s.out, peal_test::contains_text(R"("event":"shop.order","version":2,)"));
  CHECK_THAT(s.out, peal_test::contains_text(R"("fields":{"id":"o-9","cents":9}})"));
  CHECK(positions({"--from=3", "--to=6"}) == "3 4 5 ");
  CHECK(positions({"--from", "3", "--limit", "2"}) == "3 4 ");
  CHECK(positions({"--limit", "0"}).empty());
  CHECK(positions({"--from", "100"}).empty());
  CHECK(positions({"--from", "2026-11-21T12:00:00Z"}) == "0 1 2 3 4 5 6 7 8 9 10 11 ");
  CHECK(positions({"--from", "2026-11-21T12:00:00.000000001Z"}).empty());
  CHECK(positions({"--to", "2026-11-21"}).empty());
  s.run({"trim", "orders", "4"});
  CHECK(positions({"--to", "6"}) == "4 5 ");
  CHECK(s.run({"replay", "orderz"}) == 1);
  CHECK(s.out == "there is no topic orderz\n");
}

TEST_CASE("tool: moments are read as they are written, and from their day on", "[examples][tool]") {
  using peal_tool::moment_in;
  CHECK(moment_in("2026-11-21T12:00:00.000000Z") == noon);
  CHECK(moment_in("2026-11-21T12") == noon);
  CHECK(moment_in("2026-11-21T12:30") == noon + 1'800'000'000'000);
  CHECK(moment_in("2026-11-21") == noon - 43'200'000'000'000);
  CHECK(moment_in("2026-11-21T12:00:00.000000007Z") == noon + 7);
  CHECK(moment_in(peal_tool::moment(noon - 1'000)) == noon - 1'000);
  for (const char* const wrong : {"", "now", "2026-11-31", "2026-13-01", "2026-11-21T24", "2026-11-21T12:60",
                                  "2026-11-21T12:00:00.1234567890", "2026-11-21x", "20261121", "-100-11-21"}) {
    INFO(wrong);
    CHECK_FALSE(moment_in(wrong).has_value());
  }
}

TEST_CASE("tool: letters are listed, shown, edited and discarded", "[examples][tool]") {
  shop s;
  CHECK(s.run({"dead", "list"}) == 0);
  CHECK_THAT(s.out,
             peal_test::contains_text("orders        5        billing   failed          3   2026-11-21T12:00:00"));
  CHECK(s.run({"dead", "list", "--subscription", "other", "--json"}) == 0);
  CHECK(s.out.empty());
  CHECK(s.run({"dead", "list", "--cause", "failed", "--json"}) == 0);
  CHECK_THAT(s.out, peal_test::contains_text(R"("fields":{"id":"o-4","cents":4}})"));

  const peal_tool::json_reader to_99 = [](std::string_view, std::string_view schema, peal::byte_buffer& out) {
    CHECK(schema == "{id:str,cents:i64}");
    peal::encode(order{"o-4", 99}, out);
  };
  CHECK(s.run({"dead", "edit", "orders", "5", R"({"id":"o-4","cents":99})"}, to_99) == 0);
  CHECK(s.run({"dead", "show", "orders", "5"}) == 0);
  CHECK_THAT(s.out, peal_test::contains_text(R"("fields":{"id":"o-4","cents":99}})"));
  CHECK_THAT(s.out, peal_test::contains_text(R"("letter":5,"subscription":"billing","cause":"failed","attempts":3)"));

  CHECK(s.run({"dead", "discard", "orders", "6"}) == 1);
  CHECK(s.out == "orders has no letter 6\n");
  CHECK(s.run({"dead", "discard", "orders", "5"}) == 0);
  CHECK(s.run({"dead", "show", "orders", "5"}) == 1);
}

TEST_CASE("tool: letters are marked to be redriven", "[examples][tool]") {
  shop s;
  peal::store_batch b;
  s.kept.letters("orders", [&](const peal::stored_letter& l) {
    b.letters = {l, l, l};
    for (std::uint64_t i = 0; i != 3; ++i) b.letters[i].number = 6 + i;
    b.letters[0].blocked_by = 5;
    b.letters[1].cause = peal::dead_cause::overloaded;
    b.letters[2].subscription = "ledger";
    s.kept.commit(b);
  });
  std::vector<std::string> marks;
  const auto marked = [&] {
    marks.clear();
    s.kept.claims("peal.redrive", [&](const peal::stored_claim& c) { marks.emplace_back(c.key); });
    return marks;
  };
  CHECK(s.run({"dead", "redrive", "orders", "5", "6", "7", "9"}) == 1);
  CHECK(s.out ==
        "letter 5 of orders goes back when its subscription stands\n"
        "letter 6 of orders follows the one that holds its key: redrive that one\n"
        "letter 7 of orders never got into its topic: redrive it in the service\n"
        "letter 9 of orders is not there\n");
  CHECK(marked() == std::vector<std::string>{"orders 5"});
  CHECK(s.run({"dead", "redrive", "orders", "--all", "--subscription", "ledger", "--json"}) == 0);
  CHECK(s.out == "{\"topic\":\"orders\",\"letter\":8,\"redrive\":\"marked\"}\n");
  CHECK(marked().size() == 2);
  CHECK(s.run({"dead", "redrive", "orders", "--all"}) == 0);
  CHECK(marked().size() == 2);
  CHECK(s.run({"dead", "redrive", "refunds", "--all"}) == 0);
  CHECK(s.out == "refunds has no letter to redrive\n");
  CHECK(parse_request({"shop.db", "dead", "redrive", "t", "1"}).changes());
  CHECK_THROWS_WITH(parse_request({"shop.db", "dead", "redrive", "t"}),
                    "dead redrive takes numbers of letters, or --all");
  CHECK_THROWS_WITH(parse_request({"shop.db", "dead", "redrive", "t", "1", "--all"}),
                    "dead redrive takes numbers of letters, or --all");
}

TEST_CASE("tool: an event that cannot be read says so and holds nothing up", "[examples][tool]") {
  shop s{5};
  peal::store_batch b;
  const peal::byte_buffer broken{std::byte{0xc1}};
  b.events.push_back(shop::event(5, broken));
  s.kept.commit(b);
  CHECK(s.run({"tail", "orders"}) == 0);
  CHECK_THAT(s.out, peal_test::contains_text(R"({"id":"o-0","cents":0})"));
  CHECK_THAT(s.out, peal_test::contains_text(R"({"undecodable":"peal: an event cannot be decoded)"));
}

TEST_CASE("tool: trimming and forgetting", "[examples][tool]") {
  shop s;
  CHECK(s.run({"trim", "orders", "4"}) == 0);
  CHECK(s.out == "4 events removed\n");
  CHECK(s.run({"forget", "billing"}) == 0);
  CHECK(s.run({"subscriptions", "--json"}) == 0);
  CHECK(s.out.empty());
}

TEST_CASE("tool: arguments that make no sense are refused in words", "[examples][tool]") {
  CHECK_THROWS_WITH(parse_request({}), "say which store, and what to do with it");
  CHECK_THROWS_WITH(parse_request({"shop.db", "fly"}), "there is no command fly");
  CHECK_THROWS_WITH(parse_request({"shop.db", "show", "orders"}), "show takes 2 arguments, not 1");
  CHECK_THROWS_WITH(parse_request({"shop.db", "show", "orders", "x"}), "\"x\" is no number");
  CHECK_THROWS_WITH(parse_request({"shop.db", "topics", "--yaml"}), "there is no option --yaml");
  CHECK(parse_request({"shop.db", "dead", "discard", "t", "1"}).changes());
  CHECK_FALSE(parse_request({"shop.db", "dead", "list"}).changes());
}
