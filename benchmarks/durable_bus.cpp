// SPDX-License-Identifier: MIT
// What does a durable topic cost its publisher, how fast can it go for long, and how long does one wait for the disk?
//
//   burst of 1,000 ──▶ [ topic ] ──▶ journal ──▶ store      only the publisher's time counts
//                                      └──▶ handler          sustained: until the last is handled
//   1,000 a second: publish, wait_durable
//
// The bare sync is an append of 4 KiB and fdatasync, by hand, at the same pace.
// Checked: every event handled once, in order.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/drive.hpp"
#include "support/folder.hpp"
#include "topologies.hpp"

#include <peal/bus/durable.hpp>
#ifdef PEAL_BENCH_HAS_SQLITE
#include <peal/adapters/sqlite/sqlite_store.hpp>
#endif
#ifdef PEAL_BENCH_HAS_LMDB
#include <peal/adapters/lmdb/lmdb_store.hpp>
#endif

namespace bench {
namespace {

struct order {
  std::int64_t number{};
  std::string customer{};
  std::int64_t cents{};
  static constexpr peal::event_name name{"bench.order", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"number", &order::number}, peal::field{"customer", &order::customer},
                   peal::field{"cents", &order::cents});
};
using in_memory = peal::topic<order, peal::capacity<4096>>;
using kept = peal::topic<order, peal::capacity<4096>, peal::durable>;

constexpr std::uint64_t in_burst = 1'000;

/// A bus with its store, if it has one, and a handler that looks at the order of what comes.
template <class Store>
class service {
 public:
  using bus_type = peal::bus<kept>;
  service() : store_{folder_.file()}, bus_{{}, store_} { listen(); }
  bus_type& bus() { return bus_; }
  void publish() { bus_.publish(order{next_++, "a customer", 4'200}); }
  void come_to_rest() {
    if (!bus_.settle() || seen_ != next_) throw wrong_result("not every order was handled, or not in order");
  }

 protected:
  void listen() {
    sub_ = bus_.template subscribe<order>("billing", [this](const order& o) { seen_ += o.number == seen_ ? 1 : 0; });
  }
  folder folder_;
  Store store_;
  bus_type bus_;
  std::int64_t next_ = 0;
  std::int64_t seen_ = 0;
  peal::subscription sub_;
};
template <>
class service<void> {
 public:
  service() {
    sub_ = bus_.subscribe<order>("billing", [this](const order& o) { seen_ += o.number == seen_ ? 1 : 0; });
  }
  void publish() { bus_.publish(order{next_++, "a customer", 4'200}); }
  void come_to_rest() {
    if (!bus_.settle() || seen_ != next_) throw wrong_result("not every order was handled, or not in order");
  }

 private:
  peal::bus<in_memory> bus_;
  std::int64_t next_ = 0;
  std::int64_t seen_ = 0;
  peal::subscription sub_;
};

/// Nanoseconds an event on the publisher's side, the median of some bursts.
template <class Store>
double bursts(unsigned count) {
  service<Store> s;
  std::vector<double> took;
  for (unsigned i = 0; i < count; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
    const auto start = clock::now();
    for (std::uint64_t k = 0; k < in_burst; ++k) s.publish();
    took.push_back(seconds_since(start) * 1e9 / static_cast<double>(in_burst));
    s.come_to_rest();
  }
  return median_of(took);
}

/// Millions a second, from the first publish to the last one handled.
template <class Store>
double sustained(std::uint64_t events) {
  service<Store> s;
  const auto start = clock::now();
  for (std::uint64_t k = 0; k < events; ++k) s.publish();
  s.come_to_rest();
  return static_cast<double>(events) / seconds_since(start) / 1e6;
}

/// Microseconds that `act` takes at 1,000 a second: the median and the 99th percentile.
template <class Act>
std::vector<double> paced(std::uint64_t count, Act act) {
  std::vector<double> took;
  auto due = clock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    due += std::chrono::milliseconds{1};
    std::this_thread::sleep_until(due);
    const auto start = clock::now();
    act();
    took.push_back(seconds_since(start) * 1e6);
    if (clock::now() > due) due = clock::now();
  }
  std::vector<double> again = took;
  return {at_rank(took, 0.5), at_rank(again, 0.99)};
}

std::vector<double> bare_sync(std::uint64_t count) {
  const folder f;
  const int file = ::open(f.file().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) throw wrong_result("cannot make " + f.file());
  const std::vector<char> page(4096, 'x');
  bool right = true;
  auto figures = paced(count, [&] {
    right = ::write(file, page.data(), page.size()) == static_cast<::ssize_t>(page.size()) && ::fdatasync(file) == 0 &&
            right;
  });
  (void)::close(file);
  if (!right) throw wrong_result("a write or a sync failed");
  return figures;
}

template <class Store>
std::vector<double> waits(std::uint64_t count) {
  service<Store> s;
  std::int64_t n = 0;
  auto figures = paced(count, [&] { s.bus().wait_durable(s.bus().publish(order{n++, "a customer", 4'200})); });
  return figures;
}

template <class Store>
void enter(table& burst, table& long_run, const std::string& row) {
  burst.measure(row, {"publish"}, [](const effort& e) { return std::vector<double>{bursts<Store>(e.quick ? 5 : 40)}; });
  long_run.measure(row, {"sustained"},
                   [](const effort& e) { return std::vector<double>{sustained<Store>(e.quick ? 20'000 : 200'000)}; });
}

template <class Store>
[[maybe_unused]] void enter_store(suite& s, table& burst, table& long_run, table& wait, const std::string& store) {
  enter<Store>(burst, long_run, "durable, " + store);
  wait.measure("wait_durable, " + store, {"p50", "p99"},
               [](const effort& e) { return waits<Store>(e.quick ? 100 : 1'000); });
  s.require("durable_bus " + store + " burst", "<= 1.3x in memory", [&burst, store]() -> std::optional<judged> {
    const auto ours = burst.at("durable, " + store, "publish");
    const auto bare = burst.at("in memory", "publish");
    if (!ours || !bare) return std::nullopt;
    const double ratio = ours->median / bare->median;
    return judged{said(ratio) + "x", ratio <= 1.3};
  });
  s.require("durable_bus " + store + " wait_durable p99", "<= 3x bare sync", [&wait, store]() -> std::optional<judged> {
    const auto ours = wait.at("wait_durable, " + store, "p99");
    const auto bare = wait.at("bare sync", "p50");
    if (!ours || !bare) return std::nullopt;
    const double ratio = ours->median / bare->median;
    return judged{said(ratio) + "x", ratio <= 3};
  });
}

}  // namespace

void durable_bus(suite& s) {
#if defined(PEAL_BENCH_HAS_SQLITE) || defined(PEAL_BENCH_HAS_LMDB)
  table& burst =
      s.add("durable_bus_burst", "bursts of 1,000 into a ring of 4,096, the publisher's side", unit::nanoseconds);
  table& long_run =
      s.add("durable_bus_sustained", "until the last one is synced and handled", unit::millions_per_second);
  table& wait = s.add("durable_bus_wait", "publish and wait for the disk, 1,000 a second", unit::microseconds);
  enter<void>(burst, long_run, "in memory");
  wait.measure("bare sync", {"p50", "p99"}, [](const effort& e) { return bare_sync(e.quick ? 100 : 1'000); });
  wait.describe("bare sync", "4 KiB and fdatasync");
#else
  (void)s;
#endif
#ifdef PEAL_BENCH_HAS_SQLITE
  enter_store<peal::sqlite::store>(s, burst, long_run, wait, "sqlite");
#endif
#ifdef PEAL_BENCH_HAS_LMDB
  enter_store<peal::lmdb::store>(s, burst, long_run, wait, "lmdb");
#endif
}

}  // namespace bench
