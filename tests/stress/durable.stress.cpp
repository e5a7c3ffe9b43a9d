// SPDX-License-Identifier: MIT
// Durable topics on threads, life after life over one store: several publishers, subscriptions that gate, lag, retry and give
// up, stop and stand again, and waiters for the disk: what was accepted is handled or a letter, in each publisher's order.
#include <peal/bus/durable.hpp>
#include <peal/peal.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/store_wrapper.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/bus_fixture.hpp"
#include "support/stress_options.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::size_t publishers = 3;
constexpr std::uint64_t fatal = 31;  // each such event of a publisher becomes a letter

struct order {
  std::uint32_t publisher{};
  std::uint64_t number{};
  std::string text{};
  static constexpr peal::event_name name{"stress.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"publisher", &order::publisher},
                                              peal::field{"number", &order::number}, peal::field{"text", &order::text});
};
struct bill {
  std::uint32_t publisher{};
  std::uint64_t number{};
  static constexpr peal::event_name name{"stress.bill", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"publisher", &bill::publisher}, peal::field{"number", &bill::number});
};
using bus_type = peal::bus<peal::topic<order, peal::durable, peal::capacity<64>>,
                           peal::topic<bill, peal::durable, peal::capacity<32>>>;

struct hopeless : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Now and then it has no space, or cannot be read, for one call.
class moody_store final : public peal::testing::store_wrapper {
 public:
  moody_store(peal::store* kept, std::uint64_t seed) : store_wrapper{kept}, random_{seed} {}
  void commit(const peal::store_batch& b) override {
    if (full_.exchange(false)) throw peal::store_error(peal::store_errc::no_space, place(), "commit");
    wrapped().commit(b);
  }
  std::uint64_t read(std::string_view topic, std::uint64_t from, std::size_t max,
                     peal::visitor<peal::stored_event> show) const override {
    if (random_.fetch_add(0x9e3779b97f4a7c15ULL) % 64 == 0) {
      throw peal::store_error(peal::store_errc::io, place(), "read");
    }
    return wrapped().read(topic, from, max, show);
  }
  void fill_once() { full_ = true; }
  void empty() { full_ = false; }
  [[nodiscard]] bool is_full() const { return full_; }

 private:
  mutable std::atomic<std::uint64_t> random_;
  std::atomic<bool> full_{false};
};

/// What one subscription saw, over all lives. Its handler runs on one thread at a time.
struct seen {
  std::vector<std::vector<std::uint8_t>> runs = std::vector<std::vector<std::uint8_t>>(publishers);  // handled or dead
  std::vector<std::uint64_t> next = std::vector<std::uint64_t>(publishers, 0);
  std::uint64_t delivered = 0, duplicated = 0, inversions = 0;

  void ended(std::uint32_t p, std::uint64_t n) {
    auto& mine = runs[p];
    if (mine.size() <= n) mine.resize(n + 1);
    ++delivered;
    duplicated += mine[n]++ != 0;
  }
  /// What is run again has had its turn.
  void in_order(std::uint32_t p, std::uint64_t n) {
    const bool again = n < runs[p].size() && runs[p][n] != 0;
    if (n < next[p] && !again) ++inversions;
    if (n >= next[p]) next[p] = n + 1;
  }
  [[nodiscard]] std::uint64_t lost(const std::vector<std::uint64_t>& accepted, std::uint64_t but_each = 0) const {
    std::uint64_t sum = 0;
    for (std::size_t p = 0; p != publishers; ++p) {
      for (std::uint64_t n = 0; n != accepted[p]; ++n) {
        const bool ran = n < runs[p].size() && runs[p][n] != 0;
        sum += !ran && (but_each == 0 || n % but_each != 0);
      }
    }
    return sum;
  }
};

class stress {
 public:
  explicit stress(std::uint64_t seed) : seed_{seed}, random_{seed}, store_{&memory_, seed} {}

  void live(std::uint64_t each, bool last) {
    bus_.emplace(peal::bus_options{.workers = 2, .max_dead_letters = 1U << 20U, .seed = random_() | 1U}, store_);
    gates(), lags(), retries(), dies(), bills();
    const auto changes = changing(each);
    std::vector<std::thread> threads;
    for (std::uint32_t p = 0; p != publishers; ++p) threads.emplace_back([this, p, each] { publish(p, each); });
    std::thread changer{[&] { change(changes); }};
    for (auto& t : threads) t.join();
    over_ = true;
    changer.join();
    over_ = false;
    const bool in_the_middle = !last && random_() % 2 == 0;
    if (in_the_middle) {
      (void)bus_->drain(0ms);
    } else {
      settle();
    }
    subs_.clear();
    bus_.reset();
  }

  /// Everything that was ever accepted has come to its end.
  void check() {
    std::uint64_t offered = 0, delivered = 0, lost = 0, duplicated = 0, again = 0, inversions = 0;
    for (const auto n : accepted_) offered += n;
    std::uint64_t letters = 0, overloaded = 0;
    memory_.letters({}, [&](const peal::stored_letter& l) {
      if (l.cause != peal::dead_cause::overloaded) return void(++letters);
      ++overloaded;  // a bill that found no room while the disk was full
      const bill b = peal::decode<bill>(l.event.payload);
      billed_.ended(b.publisher, b.number);
    });
    for (const seen* s : {&gating_, &lagging_, &retrying_, &dying_, &billed_}) {
      delivered += s->delivered;
      lost += s->lost(accepted_, s == &billed_ ? fatal : 0);
      // What waits for another run, or for room for its output, when its subscription stops is handled again.
      (s == &retrying_ || s == &dying_ ? again : duplicated) += s->duplicated;
      inversions += s->inversions;
    }
    std::printf(
        "durable: seed=%llu offered=%llu accepted=%llu acknowledged=%llu letters=%llu overloaded=%llu delivered=%llu "
        "lost=%llu "
        "duplicated=%llu out of order=%llu handled again=%llu\n",
        static_cast<unsigned long long>(seed_), static_cast<unsigned long long>(offered_.load()),
        static_cast<unsigned long long>(offered), static_cast<unsigned long long>(acknowledged_.load()),
        static_cast<unsigned long long>(letters), static_cast<unsigned long long>(overloaded),
        static_cast<unsigned long long>(delivered), static_cast<unsigned long long>(lost),
        static_cast<unsigned long long>(duplicated), static_cast<unsigned long long>(inversions),
        static_cast<unsigned long long>(again));
    CHECK(missing_ == 0);
    CHECK(lost == 0);
    CHECK(duplicated == 0);  // lives that end as they should forget nothing
    CHECK(offered_ == offered);
    CHECK(letters == dead_.size());
    CHECK(inversions == 0);
    CHECK(memory_.range("stress.order").next == offered);
  }

 private:
  template <class F>
  void stand(std::size_t i, F f) {
    for (;;) {
      try {
        if (subs_.size() <= i) subs_.resize(i + 1);
        subs_[i].emplace(f());
        return;
      } catch (const peal::store_error&) {  // no space just then
      }
    }
  }
  void gates() {
    stand(0, [this] {
      return bus_->subscribe<order>("gating", [this](const order& o) {
        gating_.in_order(o.publisher, o.number);
        gating_.ended(o.publisher, o.number);
      });
    });
  }
  void lags() {
    stand(1, [this] {
      return bus_->subscribe<order>(
          "lagging",
          [this](const order& o) {
            if (o.number % 97 == 0) std::this_thread::yield();
            if (o.text != std::to_string(o.number)) ++missing_;
            lagging_.in_order(o.publisher, o.number);
            lagging_.ended(o.publisher, o.number);
          },
          peal::behind{peal::read_store});
    });
  }
  void retries() {
    stand(2, [this] {
      return bus_->subscribe<order>(
          "retrying",
          [this](const order& o, const peal::delivery& d) {
            if (o.number % 13 == 0 && d.attempt() == 1) throw std::runtime_error("later");
            retrying_.ended(o.publisher, o.number);
          },
          peal::side_store{16}, peal::otherwise(peal::backoff{.attempts = 4, .first = 200us, .cap = 1ms}));
    });
  }
  void dies() {
    stand(3, [this] {
      return bus_->subscribe<order>(
          "dying",
          [this](const order& o) {
            dying_.in_order(o.publisher, o.number);
            dying_.ended(o.publisher, o.number);
            if (o.number % fatal == 0) {
              dead_.insert({o.publisher, o.number});
              throw hopeless("no");
            }
            return bill{o.publisher, o.number};
          },
          peal::on<hopeless>(peal::dead_letter));
    });
  }
  void bills() {
    stand(4, [this] {
      return bus_->subscribe<bill>("billed", [this](const bill& b) { billed_.ended(b.publisher, b.number); });
    });
  }

  [[nodiscard]] std::vector<std::uint8_t> changing(std::uint64_t each) {
    std::vector<std::uint8_t> all;
    for (std::uint64_t n = 0; n != each / 40 + 1; ++n) all.push_back(static_cast<std::uint8_t>(random_() % 8));
    return all;
  }
  /// Stops some and lets them stand again, pauses others, fills the disk, looks around.
  void change(const std::vector<std::uint8_t>& what) {
    for (std::size_t i = 0; i != what.size() && !over_; ++i) {
      switch (what[i]) {
        case 0: subs_[0].reset(), gates(); break;
        case 1: subs_[1].reset(), lags(); break;
        case 2: subs_[2].reset(), retries(); break;
        case 3: subs_[3].reset(), dies(); break;
        case 4: subs_[4].reset(), bills(); break;
        case 5: fill(); break;
        case 6: subs_[1]->pause(); break;
        default: subs_[1]->resume(); break;
      }
      if (bus_->durability().failed) ++missing_;
      std::this_thread::yield();
    }
    subs_[1]->resume();
    store_.empty();
  }
  /// The journal rests for a second then: once is enough.
  void fill() {
    if (std::exchange(filled_, true)) return;
    store_.fill_once();
    while (store_.is_full() && !over_) std::this_thread::yield();
  }
  void publish(std::uint32_t p, std::uint64_t each) {
    std::mt19937_64 random{seed_ * publishers + p};
    for (std::uint64_t i = 0; i != each; ++i) {
      const std::uint64_t n = accepted_[p];
      ++offered_;
      const peal::receipt r = bus_->publish(order{p, n, std::to_string(n)});
      ++accepted_[p];
      if (random() % 50 != 0) continue;
      bus_->wait_durable(r);
      ++acknowledged_;
      if (memory_.range("stress.order").next <= r.id().position()) ++missing_;
    }
  }
  void settle() {
    const auto rest = bus_->settle_for(120s);
    for (const std::string& why : rest.waiting_for) UNSCOPED_INFO(why);
    CHECK(rest.settled);
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  peal::memory_store memory_{};
  moody_store store_;
  std::vector<std::uint64_t> accepted_ = std::vector<std::uint64_t>(publishers, 0);
  std::set<std::pair<std::uint32_t, std::uint64_t>> dead_{};
  std::atomic<std::uint64_t> offered_{0}, acknowledged_{0}, missing_{0};
  bool filled_ = false;
  std::atomic<bool> over_{false};
  seen gating_{}, lagging_{}, retrying_{}, dying_{}, billed_{};
  std::optional<bus_type> bus_{};
  std::vector<std::optional<peal::subscription>> subs_{};
};

}  // namespace

TEST_CASE("durable: life after life on threads nothing is lost, doubled or out of order",
          "[bus][durable][P1][P2][P31][P35][P37]") {
  const peal_test::watchdog dog{"durable stress"};
  stress all{peal_test::seed()};
  constexpr int lives = 5;
  const std::uint64_t each = peal_test::scaled(peal_test::repeat(600, 4));
  for (int i = 0; i != lives; ++i) all.live(each, i == lives - 1);
  all.check();
}
