// SPDX-License-Identifier: MIT
// Lives of a bus over one store: random subscriptions, failures, letters and crashes, each step judged by the ledger.
#pragma once

#include "bus/durable_world.hpp"
#include "bus/stepped_support.hpp"

#include <algorithm>
#include <random>
#include <stdexcept>

namespace peal_test {

struct useless : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct hopeless : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct durable_options {
  int lives = 4;
  int operations = 120;
};

class durable_model {
 public:
  explicit durable_model(std::uint64_t seed, const durable_options& o = {})
      : o_{o},
        random_{seed},
        book_{all_roles()},
        store_{&memory_, book_},
        subs_(book_.roles.size()),
        lowest_(book_.roles.size()),
        last_run_(book_.roles.size()) {}

  void run() {
    for (int i = 0; i != o_.lives && ok(); ++i) live();
    if (ok()) last_life();
    for (std::size_t t = 0; t != ledger::topics.size(); ++t) events += book_.log[t].size();
    commits = book_.commits;
    rows = book_.rows;
    INFO(book_.wrong);
    CHECK(book_.wrong.empty());
  }

  std::uint64_t published = 0, acknowledged = 0, runs = 0, failed = 0, crashes = 0, redriven = 0, discarded = 0;
  std::uint64_t edited = 0, events = 0, commits = 0, again = 0, rows = 0;

 private:
  using bus_type = peal::testing::stepped_bus<peal::topic<fact<0>, fact<1>, peal::durable, peal::capacity<32>>,
                                              peal::topic<fact<2>, peal::durable_as<"model.out">, peal::capacity<8>>,
                                              peal::topic<fact<3>, peal::durable, peal::capacity<16>>,
                                              peal::topic<fact<4>, peal::capacity<8>>>;
  enum role_number : std::size_t {
    plain,
    retry,
    hold,
    skip,
    hands_hold,
    hands,
    idem,
    outs,
    outs_hands,
    chain,
    last,
    inner,
    passing,
    dropping
  };

  static std::vector<role> all_roles() {
    return {{"plain", 0, 3},
            {"retry", 0, 3},
            {.name = "hold", .topic = 0, .types = 3, .order = order_kept::hold},
            {.name = "skip", .topic = 0, .types = 3, .order = order_kept::skip},
            {.name = "hands_hold", .topic = 0, .types = 3, .order = order_kept::hold},
            {"hands", 0, 1},
            {.name = "idem", .topic = 0, .types = 3, .once = true},
            {.name = "outs", .topic = 0, .types = 1, .outputs = true},
            {.name = "outs_hands", .topic = 0, .types = 2, .order = order_kept::hold, .outputs = true},
            {.name = "chain", .topic = 1, .types = 4, .outputs = true},
            {.name = "last", .topic = 2, .types = 8, .filters = true},
            {.name = "inner", .topic = 0, .types = 1, .outputs = true},
            {.name = "passing", .topic = 0, .types = 3, .kept = false},
            {.name = "dropping", .topic = 0, .types = 3, .kept = false}};
  }

  [[nodiscard]] bool ok() const { return book_.wrong.empty(); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  // ---- a life ----

  void live() {
    open();
    const bool crashing = chance(80);
    if (crashing) store_.fuse(1 + below(chance(50) ? 12 : 60), chance(50), some_death());
    for (std::size_t s = 0; s != subs_.size(); ++s) {
      if (chance(60)) stand(s);
    }
    for (int i = 0; i != o_.operations && ok() && !store_.dead(); ++i) operate();
    if (crashing && !store_.dead()) store_.die(some_death());
    if (store_.dead()) {
      ++crashes;
      for (std::size_t n = below(5); n != 0; --n) bus_->runtime().step();
    } else if (chance(50)) {
      (void)bus_->drain(std::chrono::milliseconds{below(200)});
    }
    close();
  }

  void last_life() {
    calm_ = true;
    open();
    for (std::size_t s = 0; s != subs_.size(); ++s) stand(s);
    for (int round = 0; round != 60 && ok(); ++round) {
      bus_->runtime().advance(std::chrono::seconds{30});
      if (redrive_all() == 0 && bus_->settle()) break;
    }
    bus_->runtime().advance(std::chrono::seconds{5});
    const auto settled = bus_->settle();
    for (const std::string& why : settled.waiting_for) book_.complain("at the end: " + why);
    for (std::size_t s = 0; s != subs_.size(); ++s) {
      const role& r = book_.roles[s];
      if (!r.kept) continue;
      const std::uint64_t end = book_.log[r.topic].size();
      book_.check_to(s, book_.start[s].value_or(end), end, "at the end");
      if (book_.cursors[s] != end)
        book_.complain("at the end the store's cursor of \"" + std::string(r.name) + "\" lags");
    }
    if (!book_.waiting.empty()) book_.complain("at the end a delivery waits");
    if (!book_.letters.empty()) book_.complain("at the end the store has letters that the bus has not");
    compare_log();
    close();
  }

  void open() {
    bus_.emplace(peal::bus_options{.lane_capacity = 2 + below(6), .max_dead_letters = 4096, .seed = random_() | 1U},
                 store_);
    const std::size_t kept = book_.letters.size();
    if (letters_now() != kept) {
      book_.complain("after a restart there are " + std::to_string(letters_now()) + " letters, the store has " +
                     std::to_string(kept));
    }
    book_.begin_life();
    const auto d = bus_->durability();
    for (std::size_t t = 0; t != ledger::topics.size(); ++t) {
      if (d.topics[t].accepted != book_.log[t].size()) book_.complain("a topic begins where the store does not end");
    }
    for (std::size_t s = 0; s != subs_.size(); ++s) {
      if (!book_.cursors[s]) book_.start[s].reset();  // the store has not heard of it: it begins anew
      const auto found = std::find_if(d.subscriptions.begin(), d.subscriptions.end(),
                                      [&](const auto& one) { return one.name == book_.roles[s].name; });
      const bool orphan = found != d.subscriptions.end() && found->orphaned && found->position == book_.cursors[s];
      if (orphan != book_.cursors[s].has_value()) book_.complain("an orphan is not reported");
      lowest_[s] = book_.cursors[s];
      last_run_[s].clear();
    }
  }

  void close() {
    const bool clean = !store_.dead() && !store_.full();
    if (clean) check_accounts();
    for (auto& s : subs_) {
      if (chance(50)) s.reset();
    }
    const auto d = bus_->durability();
    bus_.reset();
    for (auto& s : subs_) s.reset();
    meters_.clear();
    for (std::size_t t = 0; t != ledger::topics.size() && clean && !store_.full(); ++t) {
      if (book_.log[t].size() < d.topics[t].accepted)
        book_.complain("what was accepted is not in the store at the end");
    }
    store_.revive();
  }

  void operate() {
    const std::size_t what = below(1000);
    if (what < 430) {
      publish();
    } else if (what < 820) {
      for (std::size_t n = below(6); n != 0; --n) bus_->runtime().step();
    } else if (what < 900) {
      bus_->runtime().advance(std::chrono::milliseconds{below(60)});
    } else if (what < 940) {
      redriven += redrive_some();
    } else if (what < 960) {
      chance(50) ? throw_away() : edit();
    } else if (what < 990) {
      change(below(subs_.size()));
    } else if (what < 993) {
      store_.fill(1 + below(4));
    } else {
      check_accounts();
    }
  }

  void change(std::size_t s) {
    if (!subs_[s]) return stand(s);
    const std::size_t what = below(4);
    what == 0 ? void(subs_[s].reset()) : what == 1 ? subs_[s]->pause() : subs_[s]->resume();
  }

  // ---- publishing ----

  void publish() {
    const std::size_t what = below(20);
    if (what < 9) return publish_one<0>();
    if (what < 17) return publish_one<1>();
    what == 17 ? publish_one<2>() : what == 18 ? publish_one<3>() : publish_one<4>();
  }
  template <int Tag>
  void publish_one() {
    fact<Tag> f;
    f.uid = chance(5) && next_uid_ != 0 ? static_cast<std::int64_t>(below(static_cast<std::size_t>(next_uid_)))
                                        : next_uid_++;
    f.key = static_cast<std::int64_t>(below(6));
    const auto receipt = bus_->try_publish(f);
    if (!receipt) return;
    ++published;
    if (Tag == 4 || !chance(8)) return;
    try {
      const std::size_t t = Tag == 3 ? 2 : Tag == 2 ? 1 : 0;
      if (!bus_->wait_durable_for(*receipt, std::chrono::milliseconds{30}) || store_.dead()) return;
      ++acknowledged;
      const std::uint64_t p = receipt->id().position();
      if (p >= book_.log[t].size() || book_.log[t][p].said.uid != f.uid || book_.log[t][p].id != receipt->id()) {
        book_.complain("wait_durable returned for what is not in the store");
      }
    } catch (const peal::publish_refused&) {
    }
  }

  // ---- handling ----

  /// What every handler does: it is checked that the event may run here and now, and drawn what becomes of it.
  template <class E>
  void handle(std::size_t s, const E& e, const peal::delivery& d) {
    if (store_.dead()) return;
    ++runs;
    check_run(s, e.uid, e.key, d);
    std::uint8_t& m = book_.at(s, d.position());
    if ((m & ledger::handled) != 0) ++again;
    m |= ledger::ran;
    const std::uint64_t fate = calm_ ? 99 : random_() % 100;
    if (fate < 25) {
      ++failed;
      throw gateway_down();
    }
    if (fate < 30) throw hopeless("no");
    if (fate < 33) {
      m |= ledger::discarded;
      throw useless("not worth it");
    }
  }
  void handled(std::size_t s, std::int64_t uid, const peal::delivery& d) {
    if (store_.dead()) return;
    book_.at(s, d.position()) |= ledger::handled;
    if (book_.roles[s].once) book_.once.insert({s, uid});
  }

  void check_run(std::size_t s, std::int64_t uid, std::int64_t key, const peal::delivery& d) {
    const role& r = book_.roles[s];
    const auto wrong = [&](const std::string& why) {
      book_.complain("\"" + std::string(r.name) + "\" at " + std::to_string(d.position()) + ": " + why);
    };
    const auto& log = book_.log[r.topic];
    const std::uint64_t p = d.position();
    if (p >= log.size()) return wrong("runs before it is in the store");
    if (log[p].said.uid != uid || log[p].said.key != key) return wrong("is another event than the store's");
    if (log[p].id != d.id() || log[p].causation != d.causation())
      return wrong("has another identity than in the store");
    if (r.filters && key % 2 == 0) return wrong("was to be filtered");
    if (d.redriven()) return check_order(s, p, key, d, wrong);
    if (const std::string why = book_.not_again(s, p, d.attempt(), lowest_[s]); r.kept && !why.empty()) wrong(why);
    check_order(s, p, key, d, wrong);
    if (r.order == order_kept::none) return;
    std::uint64_t& latest = last_run_[s].try_emplace(key, 0).first->second;
    if (p < latest) wrong("runs behind a later one of its key, at " + std::to_string(latest));
    latest = p;
  }
  template <class Wrong>
  void check_order(std::size_t s, std::uint64_t p, std::int64_t key, const peal::delivery& d, const Wrong& wrong) {
    const role& r = book_.roles[s];
    if (r.order == order_kept::none || (r.order == order_kept::skip && d.redriven())) return;
    const int enough = r.order == order_kept::hold ? ledger::handled | ledger::discarded | ledger::thrown_away
                                                   : int{ledger::ran} | ledger::thrown_away;
    for (std::uint64_t q = book_.start[s].value_or(p); q < p; ++q) {
      const ledger::entry& e = book_.log[r.topic][q];
      if (e.said.key != key || ((r.types >> e.type) & 1U) == 0 || (book_.at(s, q) & enough) != 0) continue;
      return wrong("runs before " + std::to_string(q) + " of its key");
    }
  }

  // ---- letters ----

  template <class F>
  void each_event(F f) {
    f.template operator()<fact<0>>(std::size_t{0});
    f.template operator()<fact<1>>(std::size_t{0});
    f.template operator()<fact<2>>(std::size_t{1});
    f.template operator()<fact<3>>(std::size_t{2});
  }
  std::size_t letters_now() {
    std::size_t n = 0;
    each_event([&]<class E>(std::size_t) { n += bus_->template dead_letters<E>().size(); });
    return n;
  }
  std::size_t redrive_all() {
    std::size_t n = 0;
    each_event([&]<class E>(std::size_t) { n += bus_->template redrive<E>(); });
    return n;
  }
  peal::dead_letter_query some_letters() {
    peal::dead_letter_query q;
    if (chance(60)) q.subscription = book_.roles[below(book_.roles.size())].name;
    if (chance(40)) q.limit = 1 + below(4);
    return q;
  }
  std::size_t redrive_some() {
    std::size_t n = 0;
    const auto q = some_letters();
    each_event([&]<class E>(std::size_t) { n += chance(50) ? std::size_t{bus_->template redrive<E>(q)} : 0; });
    return n;
  }
  void throw_away() {
    auto q = some_letters();
    q.limit = 1;
    each_event([&]<class E>(std::size_t t) {
      for (const auto& l : bus_->template dead_letters<E>(q)) {
        if (bus_->template discard_letters<E>({.number = l.number}) != 1) continue;
        ++discarded;
        const auto s = book_.role_of(l.subscription);
        if (l.id && s && book_.roles[*s].topic == t) book_.at(*s, l.id.position()) |= ledger::thrown_away;
        if (!l.id && l.event.by >= 0) {
          book_.at(static_cast<std::size_t>(l.event.by), static_cast<std::uint64_t>(l.event.of)) |= ledger::made;
        }
      }
    });
  }
  void edit() {
    auto q = some_letters();
    q.limit = 1;
    each_event([&]<class E>(std::size_t) {
      for (const auto& l : bus_->template dead_letters<E>(q)) {
        if (bus_->template edit_letter<E>(l.number, [](E& e) { ++e.edits; }) == peal::redrive_errc::none) ++edited;
      }
    });
  }

  // ---- looking ----

  void check_accounts() {
    for (const auto& m : meters_) {
      const auto s = m.statistics();
      if (s.accounted() != s.accepted) book_.complain("an account is wrong: " + account(s));
    }
  }
  void compare_log() {
    for (std::size_t t = 0; t != ledger::topics.size(); ++t) {
      std::uint64_t p = 0;
      (void)memory_.read(ledger::topics[t], 0, ~std::size_t{0}, [&](const peal::stored_event& e) {
        if (p == book_.log[t].size() || e.id != book_.log[t][p].id) book_.complain("the store's events have changed");
        ++p;
      });
    }
  }
  death some_death() { return chance(50) ? death::unaware : death::throwing; }

  /// A store that fails then may refuse it: it does not stand.
  void stand(std::size_t s) {
    try {
      stand_now(s);
    } catch (const peal::store_error&) {
    }
  }
  void stand_now(std::size_t s);
  template <class Made, class... Es, class... Ps>
  void join(std::size_t s, Ps... policies);

  const durable_options o_;
  std::mt19937_64 random_;
  ledger book_;
  peal::memory_store memory_{};
  crash_store store_;
  std::optional<bus_type> bus_{};
  std::vector<std::optional<peal::subscription>> subs_;
  std::vector<peal::subscription::meter> meters_{};
  std::vector<std::optional<std::uint64_t>> lowest_;             ///< of this life
  std::vector<std::map<std::int64_t, std::uint64_t>> last_run_;  ///< of this life: by key
  std::int64_t next_uid_ = 0;
  bool calm_ = false;
};

}  // namespace peal_test

#include "bus/durable_roles.hpp"
