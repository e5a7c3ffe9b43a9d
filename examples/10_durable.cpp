// SPDX-License-Identifier: MIT
// What must survive the process: a word at the topic and a store, and every subscription goes on where it was.
#include <cstdio>
#include <peal/bus/durable.hpp>
#include <string>
#if EXAMPLE_HAS_SQLITE
#include <filesystem>
#include <peal/adapters/sqlite/sqlite_store.hpp>
#else
#include <peal/store/memory_store.hpp>
#endif

struct order_placed {
  std::string order_id;
  static constexpr peal::event_name name{"shop.order.placed", 1};
  static constexpr auto fields = peal::fields(peal::field{"order_id", &order_placed::order_id});
};
using shop = peal::bus<peal::topic<order_placed, peal::durable>>;

struct counter {
  const char* who;
  int orders = 0;
  auto handler() {
    return [this](const order_placed&) { ++orders; };
  }
  void print() const { std::printf("%s: %d orders\n", who, orders); }
};

static void first_life(peal::store& kept) {
  std::puts("first life");
  counter billed{"billing"};
  counter mailed{"mail"};
  shop bus{{}, kept};
  auto billing = bus.subscribe<order_placed>(billed.who, billed.handler());
  auto mail = bus.subscribe<order_placed>(mailed.who, mailed.handler());
  mail.pause();  // its server is down; nobody waits for it
  for (const char* id : {"o-1", "o-2"}) bus.publish(order_placed{id});
  bus.wait_durable(bus.publish(order_placed{"o-3"}));  // now the customer may be told, and the process may die
  bus.settle();
  billed.print();
  mailed.print();
}

static void second_life(peal::store& kept) {
  std::puts("second life");
  counter billed{"billing"};
  counter mailed{"mail"};
  counter seen{"audit"};
  shop bus{{}, kept};
  for (const auto& s : bus.durability().subscriptions) {
    std::printf("%s goes on at %d, %d behind%s\n", s.name.c_str(), static_cast<int>(s.position),
                static_cast<int>(s.lag), s.orphaned ? ", and is not there yet" : "");
  }
  auto billing = bus.subscribe<order_placed>(billed.who, billed.handler());
  auto mail = bus.subscribe<order_placed>(mailed.who, mailed.handler());
  auto audit = bus.subscribe<order_placed>(seen.who, seen.handler(), peal::start_at::beginning());  // new: all of it
  bus.publish(order_placed{"o-4"});
  bus.settle();
  for (const counter* each : {&billed, &mailed, &seen}) each->print();
}

int main() {
#if EXAMPLE_HAS_SQLITE
  const std::string file = "10_durable.db";  // stays: look at it with sqlite3, or with peal
  for (const char* part : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(file + part);
  const auto live = [&](auto life) {
    peal::sqlite::store kept{file};
    life(kept);
  };
#else
  peal::memory_store kept;  // no adapter was built: two buses in one process are two lives as well
  const auto live = [&](auto life) { life(kept); };
#endif
  live(first_life);
  live(second_life);
}

// prints: first life
// prints: billing: 3 orders
// prints: mail: 0 orders
// prints: second life
// prints: billing goes on at 3, 0 behind, and is not there yet
// prints: mail goes on at 0, 3 behind, and is not there yet
// prints: billing: 1 orders
// prints: mail: 4 orders
// prints: audit: 4 orders
