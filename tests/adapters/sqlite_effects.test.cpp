// SPDX-License-Identifier: MIT
// Effect once in SQLite: the handler's rows and its delivery's mark are one commit, whatever is killed, and whenever.
#include <peal/adapters/sqlite/sqlite_store.hpp>
#include <peal/bus/durable.hpp>
#include <peal/testing/contract/detail/child.hpp>
#include <peal/testing/store_wrapper.hpp>

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/sqlite_rows.hpp"
#include "support/stress_options.hpp"
#include "support/temporary_folder.hpp"

namespace {

using peal_test::number;
using peal_test::sql;
using namespace std::chrono_literals;
namespace cases = peal::testing::contract_cases;

struct order {
  std::int64_t id{};
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};
using shop = peal::bus<peal::topic<order, peal::durable>>;

/// The moments of a life in which its process may end, counted: the n-th is its last.
class steps {
 public:
  explicit steps(std::uint64_t last) : last_{last} {}
  void next() {
    if (count_.fetch_add(1) + 1 == last_) ::kill(::getpid(), SIGKILL);
  }

 private:
  std::atomic<std::uint64_t> count_{0};
  const std::uint64_t last_;
};

/// The journal's commits have steps as well.
class stepped_store final : public peal::testing::store_wrapper {
 public:
  stepped_store(peal::store* s, steps& life) : store_wrapper{s}, life_{life} {}
  void commit(const peal::store_batch& b) override {
    life_.next();
    wrapped().commit(b);
    life_.next();
  }
  std::uint64_t trim(std::string_view topic, std::uint64_t before) override { return wrapped().trim(topic, before); }
  std::uint64_t compact(std::string_view t, std::uint64_t before) override { return wrapped().compact(t, before); }
  std::uint64_t forget_claims(std::string_view s, peal::wall_time t) override { return wrapped().forget_claims(s, t); }
  void forget_subscription(std::string_view name) override { wrapped().forget_subscription(name); }

 private:
  steps& life_;
};

/// A shop whose ledger is a table in the store's file; each row counts how often its order was entered.
class service {
 public:
  service(const std::string& path, std::uint64_t last_step, bool marks)
      : life_{last_step}, kept_{path, {.durability = peal::sync::os}}, marks_{marks} {
    auto t = kept_.transaction();
    sql(t.handle(), "create table if not exists ledger (id integer primary key, times integer not null)");
    t.commit({});
    next_ = static_cast<std::int64_t>(bus_.durability().topics.at(0).accepted);
    ledger_ = bus_.subscribe<order>(
        "ledger", [this](const order& o, peal::delivery& d) { enter(o, d); }, peal::start_at::beginning(),
        peal::concurrency{2});
  }

  /// Its number is its place in the topic.
  std::int64_t place_order() {
    bus_.wait_durable(bus_.publish(order{next_}));
    return next_++;
  }
  void finish() { REQUIRE(bus_.settle().settled); }
  std::int64_t look(const char* query) { return number(kept_.transaction().handle(), query); }
  std::int64_t events() { return static_cast<std::int64_t>(kept_.range("shop.order").next); }

 private:
  void enter(const order& o, peal::delivery& d) {
    life_.next();
    {
      auto t = kept_.transaction();
      sql(t.handle(), "insert into ledger values (" + std::to_string(o.id) +
                          ", 1) on conflict (id) do update set times = times + 1");
      life_.next();
      marks_ ? d.commit(t) : t.commit({});
    }
    life_.next();
    if (o.id % 5 == 4) throw std::runtime_error("behind its commit");
  }

  steps life_;
  peal::sqlite::store kept_;
  stepped_store seen_{&kept_, life_};
  bool marks_;
  std::int64_t next_ = 0;
  shop bus_{{.workers = 2, .max_crashes = 1'000'000}, seen_};
  peal::subscription ledger_{};
};

struct outcome {
  std::uint64_t kills = 0;
  std::int64_t acknowledged = 0;
  std::int64_t events = 0;
  std::int64_t effects = 0;
  std::int64_t lost = 0;
  std::int64_t strangers = 0;
  std::int64_t duplicated = 0;
};

/// Half of the lives end at a step, one after the other, half at any moment.
outcome kill_often(std::uint64_t kills, bool marks) {
  peal_test::temporary_folder folder;
  const std::string path = folder.path("shop.db");
  std::mt19937_64 random{peal_test::seed()};
  outcome all;
  for (; all.kills < kills; ++all.kills) {
    const bool by_step = all.kills % 2 == 0;
    cases::channel placed;
    cases::child process{[&] {
      service s{path, by_step ? 1 + all.kills / 2 % 60 : 0, marks};
      for (std::int64_t id = -1; placed.write(&id, sizeof id); id = s.place_order()) continue;
    }};
    placed.close_writing();
    std::int64_t heard = -1;
    std::int64_t last = -1;
    const std::uint64_t most = by_step ? ~std::uint64_t{0} : 1 + random() % 12;
    for (std::uint64_t n = 0; n != most && placed.read(&heard, sizeof heard) == sizeof heard; ++n) last = heard;
    const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 2'000);
    while (!by_step && std::chrono::steady_clock::now() < moment) std::this_thread::yield();
    process.kill();
    REQUIRE(process.was_killed());
    while (placed.read(&heard, sizeof heard) == sizeof heard) last = heard;
    if (last + 1 > all.acknowledged) all.acknowledged = last + 1;
  }
  service s{path, 0, marks};
  s.finish();
  all.events = s.events();
  all.effects = s.look("select count(*) from ledger");
  all.strangers = s.look("select count(*) from ledger where id < 0") + (all.effects > all.events ? 1 : 0);
  all.lost = all.events - all.effects;
  all.duplicated = s.look("select coalesce(sum(times - 1), 0) from ledger");
  std::printf("effects%s: seed=%llu kills=%llu acknowledged=%lld events=%lld effects=%lld lost=%lld duplicated=%lld\n",
              marks ? "" : " without their mark", static_cast<unsigned long long>(peal_test::seed()),
              static_cast<unsigned long long>(all.kills), static_cast<long long>(all.acknowledged),
              static_cast<long long>(all.events), static_cast<long long>(all.effects), static_cast<long long>(all.lost),
              static_cast<long long>(all.duplicated));
  return all;
}

}  // namespace

TEST_CASE("sqlite: killed at any moment, and at each step of a commit, an event has its effect once",
          "[adapters][sqlite][durable][P32]") {
  const outcome all = kill_often(peal_test::scaled(60), true);
  CHECK(all.events >= all.acknowledged);
  CHECK(all.lost == 0);
  CHECK(all.strangers == 0);
  CHECK(all.duplicated == 0);
}

TEST_CASE("sqlite: without the mark of its delivery an effect is repeated", "[adapters][sqlite][durable][P32]") {
  std::int64_t duplicated = 0;
  for (int n = 0; n < 10 && duplicated == 0; ++n) {
    const outcome all = kill_often(20, false);
    CHECK(all.lost == 0);
    duplicated += all.duplicated;
  }
  CHECK(duplicated > 0);  // or the case above shows nothing
}
