// SPDX-License-Identifier: MIT
// P31, P34: a store whose contents this program cannot read, or does not expect: nothing is skipped, nobody else stops.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>

#include <algorithm>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "bus/stepped_support.hpp"

namespace content_test {

struct order_v1 {
  std::int64_t id{};
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order_v1::id});
};
struct order {
  std::int64_t id{};
  std::string currency{};
  static constexpr peal::event_name name{"shop.order", 2};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"currency", &order::currency});
  using previous = order_v1;
  static order upcast(order_v1&& old) {
    if (old.id == 13) throw std::runtime_error("thirteen has no currency");
    return {old.id, "EUR"};
  }
};
struct cancelled {
  std::int64_t id{};
  static constexpr peal::event_name name{"shop.cancelled", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &cancelled::id});
};
/// Encodes itself, or does not.
struct picky {
  enum class mood : std::uint8_t { well, no_memory, refuses, throws_a_number };
  static inline mood now = mood::well;
  std::int64_t id{};
  static constexpr peal::event_name name{"shop.picky", 1};
};

}  // namespace content_test

template <>
struct peal::codec_of<content_test::picky> {
  using picky = content_test::picky;
  static void encode(const picky& e, byte_buffer& out) {
    switch (picky::now) {
      case picky::mood::no_memory: picky::now = picky::mood::well; throw std::bad_alloc();
      case picky::mood::refuses: throw std::length_error("too picky");
      case picky::mood::throws_a_number: throw 42;
      case picky::mood::well: break;
    }
    out.push_back(static_cast<std::byte>(e.id));
  }
  static void decode(std::span<const std::byte> in, const decode_limits&, picky& e) {
    e.id = in.empty() ? 7 : static_cast<std::int64_t>(in[0]);
    if (e.id == 7) throw std::runtime_error("seven cannot be read");
  }
};

namespace {

using namespace std::chrono_literals;
using namespace content_test;

using orders = peal::topic<order, cancelled, peal::durable>;
using shop = peal::testing::stepped_bus<orders>;

struct seen {
  std::vector<std::int64_t> all{};
  std::vector<std::string> currencies{};
  auto take() {
    return peal::overloaded{[this](const order& o) {
                              all.push_back(o.id);
                              currencies.push_back(o.currency);
                            },
                            [this](const cancelled& c) { all.push_back(-c.id); }};
  }
};

peal::stored_event stored(const peal::store& kept, std::string_view name, std::uint32_t version,
                          const peal::byte_buffer& payload) {
  peal::stored_event e;
  e.topic = "shop.order";
  e.position = kept.range("shop.order").next;
  e.name = name;
  e.version = version;
  e.id = peal::event_id{77, e.position};
  e.correlation = e.id;
  e.payload = payload;
  return e;
}
void append(peal::store& kept, std::string_view name, std::uint32_t version, const peal::byte_buffer& payload) {
  peal::store_batch b;
  b.events.push_back(stored(kept, name, version, payload));
  kept.commit(b);
}
template <class E>
peal::byte_buffer bytes_of(const E& e) {
  peal::byte_buffer out;
  peal::encode(e, out);
  return out;
}
void put_cursor(peal::store& kept, const char* who, std::uint64_t at) {
  peal::store_batch b;
  b.cursors.push_back({who, "shop.order", at});
  kept.commit(b);
}

/// What the store has as letters, in words.
struct letter {
  std::string subscription;
  std::uint64_t position;
  std::string name;
  peal::byte_buffer payload;
  friend bool operator==(const letter&, const letter&) = default;
};
std::vector<letter> undecodable(const peal::store& kept, std::vector<std::string>* errors = nullptr) {
  std::vector<letter> all;
  kept.letters({}, [&](const peal::stored_letter& l) {
    if (l.cause != peal::dead_cause::undecodable) return;
    all.push_back({std::string(l.subscription),
                   l.event.position,
                   std::string(l.event.name),
                   {l.event.payload.begin(), l.event.payload.end()}});
    if (errors != nullptr) errors->emplace_back(reinterpret_cast<const char*>(l.errors.data()), l.errors.size());
  });
  std::sort(all.begin(), all.end(), [](const letter& a, const letter& b) {
    return std::tie(a.subscription, a.position) < std::tie(b.subscription, b.position);
  });
  return all;
}

}  // namespace

TEST_CASE("durable: what this program cannot read becomes a letter with its bytes, in its place, once",
          "[bus][durable][P34][P31]") {
  peal::memory_store kept;
  const peal::byte_buffer garbage{std::byte{0xff}, std::byte{0xfe}, std::byte{0x01}};
  append(kept, "shop.order", 2, bytes_of(order{1, "USD"}));
  append(kept, "shop.order", 2, garbage);
  append(kept, "shop.forgotten", 1, bytes_of(cancelled{5}));
  append(kept, "shop.order", 1, bytes_of(order_v1{3}));
  append(kept, "shop.order", 1, bytes_of(order_v1{13}));
  append(kept, "shop.order", 3, bytes_of(order{4, "USD"}));  // of a newer program
  append(kept, "shop.cancelled", 1, bytes_of(cancelled{5}));
  put_cursor(kept, "ledger", 0);
  std::vector<letter> expected{{"ledger", 1, "shop.order", garbage},
                               {"ledger", 2, "shop.forgotten", bytes_of(cancelled{5})},
                               {"ledger", 4, "shop.order", bytes_of(order_v1{13})},
                               {"ledger", 5, "shop.order", bytes_of(order{4, "USD"})}};
  seen ledger, late;
  {
    shop bus{{.seed = 7}, kept};
    const auto a = bus.subscribe<order, cancelled>("ledger", ledger.take());
    bus.publish(order{6, "GBP"});
    CHECK(bus.settle());
    bus.runtime().advance(1s);
    CHECK(ledger.all == std::vector<std::int64_t>{1, 3, -5, 6});
    CHECK(ledger.currencies == std::vector<std::string>{"USD", "EUR", "GBP"});
    std::vector<std::string> errors;
    CHECK(undecodable(kept, &errors) == expected);
    CHECK(std::count_if(errors.begin(), errors.end(), [](const std::string& e) {
            return e.find("thirteen has no currency") != std::string::npos;
          }) == 1);
    CHECK(bus.durability().failure.empty());
    CHECK(bus.durability().subscriptions.at(0).lag == 0);
  }
  put_cursor(kept, "ledger", 0);  // as if the process had ended before its cursor was stored
  for (int life = 0; life != 2; ++life) {
    shop bus{{.seed = 8}, kept};
    const auto a = bus.subscribe<order, cancelled>("ledger", ledger.take());
    const auto b = bus.subscribe<order, cancelled>("late", late.take(), peal::start_at::beginning());
    CHECK(bus.settle());
    bus.runtime().advance(1s);
    CHECK(bus.dead_letters<order>().empty());  // they are for a program that can read them
    bus.publish(cancelled{life + 100});
    CHECK(bus.settle());
  }
  CHECK(late.all == std::vector<std::int64_t>{1, 3, -5, 6, -100, -101});
  std::vector<letter> of_late = expected;
  for (letter& l : of_late) l.subscription = "late";
  expected.insert(expected.begin(), of_late.begin(), of_late.end());
  CHECK(undecodable(kept) == expected);
}

TEST_CASE("durable: of types that a subscription does not take it needs to read nothing", "[bus][durable][P34]") {
  peal::memory_store kept;
  append(kept, "shop.order", 2, {std::byte{0xff}});
  append(kept, "shop.cancelled", 1, bytes_of(cancelled{2}));
  std::vector<std::int64_t> all;
  shop bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<cancelled>(
      "ledger", [&](const cancelled& c) { all.push_back(c.id); }, peal::start_at::beginning());
  CHECK(bus.settle());
  CHECK(all == std::vector<std::int64_t>{2});
  CHECK(undecodable(kept).empty());
}

TEST_CASE("durable: what went out of the store below a cursor is passed over, without waiting", "[bus][durable][P31]") {
  peal::memory_store kept;
  for (std::int64_t id = 0; id != 600; ++id) append(kept, "shop.order", 2, bytes_of(order{id, {}}));
  put_cursor(kept, "ledger", 100);
  kept.trim("shop.order", 590);
  seen ledger;
  shop bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<order, cancelled>("ledger", ledger.take());
  bus.publish(order{600, {}});
  CHECK(bus.settle());
  REQUIRE(ledger.all.size() == 11);
  CHECK(ledger.all.front() == 590);
  CHECK(ledger.all.back() == 600);
}

TEST_CASE("durable: gaps that compaction has left are no events, however long they are", "[bus][durable][P31]") {
  peal::memory_store kept;
  peal::store_batch b;
  const peal::byte_buffer payload = bytes_of(order{9, {}});
  std::vector<peal::byte_buffer> payloads;
  for (std::int64_t id = 0; id != 1'000; ++id) payloads.push_back(bytes_of(order{id, {}}));
  for (std::uint64_t id = 0; id != 1'000; ++id) {
    b.events.push_back(stored(kept, "shop.order", 2, payloads[id]));
    b.events.back().position = id;
    b.events.back().key = id % 500 == 0 ? "" : "same";  // the newest of a key stays, and what has none
  }
  kept.commit(b);
  kept.compact("shop.order", 1'000);
  put_cursor(kept, "ledger", 0);
  seen ledger;
  shop bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<order, cancelled>("ledger", ledger.take());
  CHECK(bus.settle());
  CHECK(ledger.all == std::vector<std::int64_t>{0, 500, 999});
}

TEST_CASE("durable: a cursor beyond its topic's end is an error that names it", "[bus][durable][P34]") {
  peal::memory_store kept{"orders.db"};
  for (std::int64_t id = 0; id != 3; ++id) append(kept, "shop.order", 2, bytes_of(order{id, {}}));
  put_cursor(kept, "ledger", 5);
  put_cursor(kept, "mail", 3);
  shop bus{{.seed = 7}, kept};
  seen ledger, mail;
  CHECK_THROWS_WITH(
      (bus.subscribe<order, cancelled>("ledger", ledger.take())),
      "peal: store orders.db: go on with subscription \"ledger\": it is damaged (its cursor in shop.order "
      "says 5, and the topic ends at 3)");
  const auto a = bus.subscribe<order, cancelled>("mail", mail.take());
  for (std::int64_t id = 3; id != 6; ++id) bus.publish(order{id, {}});
  CHECK(bus.settle());
  CHECK(mail.all == std::vector<std::int64_t>{3, 4, 5});
}

TEST_CASE("durable: names that nobody stands under are orphans, and keep what they have not read",
          "[bus][durable][P31]") {
  peal::memory_store kept;
  seen ledger;
  {
    shop bus{{.seed = 7}, kept};
    auto a = bus.subscribe<order, cancelled>("ledger", ledger.take());
    a.pause();
    for (std::int64_t id = 0; id != 3; ++id) bus.publish(order{id, {}});
    (void)bus.drain(1s);
  }
  {
    shop bus{{.seed = 8}, kept};
    const auto a = bus.subscribe<order, cancelled>("book", ledger.take());  // renamed
    bus.publish(order{3, {}});
    CHECK(bus.settle());
    bus.runtime().advance(1s);
    const auto d = bus.durability();
    REQUIRE(d.subscriptions.size() == 2);
    CHECK_FALSE(d.subscriptions[0].orphaned);
    CHECK(d.subscriptions[1].name == "ledger");
    CHECK(d.subscriptions[1].orphaned);
    CHECK(d.subscriptions[1].position == 0);
    CHECK(d.subscriptions[1].lag == 4);
    CHECK(ledger.all == std::vector<std::int64_t>{3});
  }
  using renamed = peal::testing::stepped_bus<peal::topic<order, cancelled, peal::durable_as<"shop.orders.of.2026">>>;
  renamed bus{{.seed = 9}, kept};  // the topic, too
  seen fresh;
  const auto a = bus.subscribe<order, cancelled>("book", fresh.take());
  bus.publish(order{4, {}});
  CHECK(bus.settle());
  CHECK(fresh.all == std::vector<std::int64_t>{4});
  bus.runtime().advance(1s);
  const auto d = bus.durability();
  REQUIRE(d.subscriptions.size() == 3);
  for (std::size_t i : {1U, 2U}) {
    CHECK(d.subscriptions[i].orphaned);
    CHECK(d.subscriptions[i].topic == "shop.order");
  }
  CHECK(kept.range("shop.order").next == 4);
  CHECK(kept.range("shop.orders.of.2026").next == 1);
}

TEST_CASE("durable: a bus goes on when its topics are others than in the life before", "[bus][durable][P31]") {
  peal::memory_store kept;
  using two = peal::testing::stepped_bus<orders, peal::topic<picky, peal::durable>>;
  using other_two = peal::testing::stepped_bus<peal::topic<picky, peal::durable>, orders>;
  picky::now = picky::mood::well;
  seen ledger;
  std::vector<std::int64_t> picked;
  const auto pick = [&](const picky& p) { picked.push_back(p.id); };
  std::vector<peal::event_id> ids;
  const auto life = [&](auto& bus, std::int64_t from) {
    const auto a = bus.template subscribe<order, cancelled>("ledger", ledger.take());
    const auto b = bus.template subscribe<picky>("picks", pick);
    for (std::int64_t n = from; n != from + 5; ++n) {
      ids.push_back(bus.publish(order{n, {}}).id());
      ids.push_back(bus.publish(picky{n + 100}).id());
    }
    CHECK(bus.settle());
    bus.publish_after(picky{from + 200}, 1s);
    bus.runtime().advance(30ms);
    (void)bus.drain(0s);
  };
  {
    two bus{{.seed = 7}, kept};
    life(bus, 0);
  }
  {
    shop bus{{.seed = 8}, kept};  // the timer's topic is not here: it waits
    const auto a = bus.subscribe<order, cancelled>("ledger", ledger.take());
    ids.push_back(bus.publish(order{5, {}}).id());
    bus.runtime().advance(1h);
    CHECK(bus.settle());
  }
  {
    other_two bus{{.seed = 9}, kept};
    life(bus, 6);
    bus.runtime().advance(1h);
  }
  CHECK(ledger.all == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(std::count(picked.begin(), picked.end(), 200) <= 1);
  CHECK(picked.size() >= 10);
  CHECK(kept.range("shop.order").next == 11);
}

TEST_CASE("durable: an event that cannot be encoded: for want of memory later, otherwise its name is told",
          "[bus][durable][P35]") {
  using picks = peal::testing::stepped_bus<peal::topic<picky, peal::durable>, orders>;
  peal::memory_store kept;
  picks bus{{.seed = 7}, kept};
  std::vector<std::int64_t> picked;
  const auto a = bus.subscribe<picky>("picks", [&](const picky& p) { picked.push_back(p.id); });
  picky::now = picky::mood::no_memory;
  const auto r = bus.publish(picky{1});
  bus.publish(picky{2});
  bus.runtime().run();
  CHECK(picked.empty());
  CHECK(bus.durability().failure.find("no memory") != std::string::npos);
  bus.wait_durable(r);
  CHECK(bus.settle());
  CHECK(picked == std::vector<std::int64_t>{1, 2});
  CHECK(bus.durability().failure.empty());

  picky::now = GENERATE(picky::mood::refuses, picky::mood::throws_a_number);
  const bool refuses = picky::now == picky::mood::refuses;
  bus.publish(order{1, {}});
  const auto lost = bus.publish(picky{3});
  CHECK_FALSE(bus.settle());
  picky::now = picky::mood::well;
  const auto d = bus.durability();
  CHECK(d.failed);
  CHECK(d.failure == (refuses ? "peal: topic \"shop.picky\": shop.picky at 2 cannot be encoded: too picky"
                              : "peal: a codec threw something that is no std::exception"));
  CHECK(std::count(d.not_durable.begin(), d.not_durable.end(), lost.id()) == 1);
  CHECK_THROWS_AS(bus.wait_durable(lost), peal::publish_refused);
  CHECK(picked == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("durable: a codec that cannot read an event back, whatever it throws, makes a letter",
          "[bus][durable][P34]") {
  using picks = peal::testing::stepped_bus<peal::topic<picky, peal::durable>>;
  peal::memory_store kept;
  picky::now = picky::mood::well;
  std::vector<std::int64_t> picked;
  {
    picks bus{{.seed = 7}, kept};
    auto a = bus.subscribe<picky>("picks", [&](const picky& p) { picked.push_back(p.id); });
    a.pause();
    for (std::int64_t n = 5; n != 10; ++n) bus.publish(picky{n});
    (void)bus.drain(1s);
  }
  picks bus{{.seed = 8}, kept};
  const auto a = bus.subscribe<picky>("picks", [&](const picky& p) { picked.push_back(p.id); });
  CHECK(bus.settle());
  CHECK(picked == std::vector<std::int64_t>{5, 6, 8, 9});
  const auto letters = undecodable(kept);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].position == 2);
}
