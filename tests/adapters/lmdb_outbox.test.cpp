// SPDX-License-Identifier: MIT
// The outbox in LMDB, which lends nobody its transaction: what a service writes goes into the same batch as the event.
#include <peal/adapters/lmdb/lmdb_store.hpp>
#include <peal/pattern/outbox_relay.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/outbox_kills.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::order;

/// A service's own record: an event of a topic of its own, one stream for each order.
peal::stored_event record(const peal::store& kept, std::string_view topic, std::string_view order_id,
                          std::uint64_t version) {
  peal::stored_event e;
  e.topic = topic;
  e.position = kept.range(topic).next;
  e.name = "shop.record";
  e.key = order_id;
  e.stream_version = version;
  return e;
}

/// Puts a record into the batch that the outbox commits.
struct together {
  peal::store& kept;
  const peal::stored_event& own;

  void commit(const peal::store_batch& b) const {
    peal::store_batch both = b;
    both.events.push_back(own);
    kept.commit(both);
  }
};

class service {
 public:
  explicit service(const std::string& path) : kept_{path, {.durability = peal::sync::os}} {
    shipping_ = bus_.subscribe<order>("shipping", [this](const order& o) { ship(o.id); });
    relay_.start();
  }

  std::int64_t place_order() {
    const auto id = static_cast<std::int64_t>(kept_.range("orders").next) + 1;
    const std::string key = std::to_string(id);
    const peal::stored_event row = record(kept_, "orders", key, 1);
    together both{kept_, row};
    out_.commit(both, order{id});
    return id;
  }
  void finish() {
    while (relay_.position() != kept_.range(out_.topic()).next) std::this_thread::yield();
  }
  peal_test::order_books books() {
    std::set<std::string> orders;
    std::map<std::string, std::int64_t> shipped;
    peal_test::order_books b;
    kept_.read("orders", 0, ~std::size_t{0}, [&](const peal::stored_event& e) { orders.emplace(e.key); });
    kept_.read("shipped", 0, ~std::size_t{0}, [&](const peal::stored_event& e) {
      (e.stream_version == 1 ? b.shipped : b.again) += 1;
      if (e.stream_version == 1) b.twice += shipped[std::string(e.key)]++;
    });
    b.orders = static_cast<std::int64_t>(orders.size());
    for (const std::string& o : orders) b.lost += shipped.count(o) == 0 ? 1 : 0;
    for (const auto& [o, times] : shipped) b.strangers += orders.count(o) == 0 ? 1 : 0;
    return b;
  }

 private:
  /// The first version of an order's stream is the effect; the others count that its event came again.
  void ship(std::int64_t id) {
    const std::string key = std::to_string(id);
    const std::uint64_t before = kept_.read_stream("shipped", key, 1, 0, [](const peal::stored_event&) {});
    peal::store_batch b;
    b.events = {record(kept_, "shipped", key, before + 1)};
    kept_.commit(b);
  }

  peal::lmdb::store kept_;
  peal::outbox<order> out_{kept_};
  peal::bus<order> bus_{{.workers = 1}};
  peal::subscription shipping_{};
  peal::outbox_relay<peal::bus<order>, order> relay_{out_, bus_, {.window = 16, .patience = 1ms}};
};

}  // namespace

TEST_CASE("lmdb: killed at any moment, each order that was placed is shipped once",
          "[adapters][lmdb][outbox][P31][P32]") {
  peal_test::ships_once_whatever_is_killed<service>("lmdb");
}
