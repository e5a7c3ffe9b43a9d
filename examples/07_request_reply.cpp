// SPDX-License-Identifier: MIT
// Questions with answers: one responder for each, a time to wait, and a reason where there is no reply.
#include <chrono>
#include <cstdio>
#include <map>
#include <peal/pattern/request_reply.hpp>
#include <peal/peal.hpp>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

struct price_query {
  std::string item;
};
struct price {
  int cents = 0;
};
struct stock_query {
  std::string item;
};
struct order_placed {
  std::string order_id, item;
};

// What may be asked, and what the answer is, is part of the bus.
using shop = peal::bus<peal::query<price_query, price>, peal::query<stock_query, int>, order_placed>;

int main() {
  shop bus{{.workers = 1}};  // one is enough: who waits for an answer helps to give it
  const std::map<std::string, int> book{{"tea", 350}, {"cup", 800}};
  peal::requester<price_query, price> prices = bus;
  peal::requester<stock_query, int> stock = bus;

  std::printf("tea: %s\n", to_string(prices.request({"tea"}, 1s).error()).data());

  auto shelf = peal::respond<stock_query>(bus, "shelf", [](const stock_query& q) { return q.item == "tea" ? 12 : 1; });
  auto pricing = peal::respond<price_query>(bus, "pricing", [&](const price_query& q) {
    const int cents = book.count(q.item) != 0 ? book.at(q.item) : throw std::out_of_range("no price for " + q.item);
    const auto left = stock.request({q.item}, 1s);  // a responder may ask as well
    return price{left && *left < 2 ? cents * 2 : cents};
  });
  try {
    auto second = peal::respond<price_query>(bus, "cheaper", [](const price_query&) { return price{1}; });
  } catch (const peal::responder_exists&) {
    std::printf("there is one responder for each query\n");
  }

  auto sales = bus.subscribe<order_placed>("sales", [&](const order_placed& o) {
    if (const auto p = prices.request({o.item}, 1s)) {
      std::printf("%s: %s for %d\n", o.order_id.c_str(), o.item.c_str(), p->cents);
    } else {
      std::printf("%s: %s, %s\n", o.order_id.c_str(), to_string(p.error()).data(), p.text().c_str());
    }
  });
  for (const char* item : {"tea", "cup", "hat"}) bus.publish(order_placed{std::string("o-") + item[0], item});
  bus.settle();

  pricing.pause();
  auto waiting = prices.request_async({"tea"}, 1h);  // get() it later, or co_await it
  std::printf("answered: %s\n", waiting.ready() ? "yes" : "no");
  pricing.resume();
  std::printf("tea costs %d\n", waiting.get()->cents);
}

// prints: tea: nobody answers this query
// prints: there is one responder for each query
// prints: o-t: tea for 350
// prints: o-c: cup for 1600
// prints: o-h: the responder failed, no price for hat
// prints: answered: no
// prints: tea costs 350
