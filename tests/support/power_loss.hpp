// SPDX-License-Identifier: MIT
// Takes the power from a store again and again, and looks what is left of it each time.
#pragma once

#include <peal/store/store.hpp>
#include <peal/testing/contract/detail/kept_batches.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>

#include "support/interposed_disk.hpp"
#include "support/temporary_folder.hpp"

namespace peal_test {

struct power_options {
  std::uint64_t seed = 1;
  std::uint64_t losses = 300;
  std::uint64_t moments = 600;  ///< writes and syncs within which the power goes
  int of_one = 12;              ///< losses that one store goes through; its folder matters in the first
  missing what = missing::nothing;
  bool in_order = false;  ///< what is left are the writes up to a moment: no damage, whatever is not synced
};

struct power_report : peal::testing::kept_report {
  std::uint64_t losses = 0;
  std::uint64_t refused = 0;  ///< stores that could not be opened or read any more
  std::uint64_t writes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t folder_syncs = 0;
  std::uint64_t unsynced_sectors = 0;
  std::string problem{};
};

/// One store from its first batch on, through some losses of power.
template <class Open>
class powerless_store {
 public:
  powerless_store(const power_options& o, std::uint64_t seed, Open open)
      : options_{o}, seed_{seed}, random_{seed}, open_{open}, disk_{folder_.path(), seed, o.what}, kept_{seed} {}

  /// False: there is nothing left to go on with.
  bool lose_power() {
    disk_->lose_power_in(1 + random_() % (random_() % 3 == 0 ? options_.moments / 10 : options_.moments), how());
    std::uint64_t told = kept_.there();
    try {
      run(told);
    } catch (const peal::store_error&) {
      if (disk_->on()) throw;
    }
    disk_.power_on();
    try {
      kept_.look(*open_(path(), random_), told);
      return kept_.sound();
    } catch (const peal::store_error& e) {
      ++refused_;
      problem_ = e.what();
      return false;
    }
  }
  void look_at_all() { kept_.look_at_all(*open_(path(), random_)); }

  void add_to(power_report& r) {
    const peal::testing::kept_report& k = kept_.report();
    r.acknowledged += k.acknowledged;
    r.unacknowledged += k.unacknowledged;
    r.events += k.events;
    r.lost += k.lost;
    r.torn += k.torn;
    r.refused += refused_;
    r.writes += disk_->writes;
    r.syncs += disk_->syncs;
    r.folder_syncs += disk_->folder_syncs;
    r.unsynced_sectors += disk_->unsynced_sectors;
    if (!kept_.problem().empty()) r.problem = kept_.problem();
    if (!problem_.empty()) r.problem = problem_;
  }

 private:
  [[nodiscard]] std::string path() const { return folder_.path("store"); }
  loss how() {
    if (options_.in_order) return random_() % 2 == 0 ? loss::all : loss::suffix;
    return static_cast<loss>(random_() % losses_count);
  }

  /// Commits, and now and then closes it and opens it again, until the power is gone.
  void run(std::uint64_t& told) {
    namespace cases = peal::testing::contract_cases;
    while (disk_->on()) {
      const auto s = open_(path(), random_);
      cases::numbered_batches batches{seed_, cases::ends_of(*s)};
      for (auto left = random_() % 30; disk_->on() && left != 0; --left) {
        s->commit(batches.make(told + 1));
        if (disk_->on()) ++told;
      }
    }
  }

  power_options options_;
  std::uint64_t seed_;
  std::mt19937_64 random_;
  Open open_;
  temporary_folder folder_{temporary_folder::in_memory()};
  interposed_disk disk_;
  peal::testing::contract_cases::kept_batches kept_;
  std::uint64_t refused_ = 0;
  std::string problem_{};
};

/// `open(path, random)` opens the store for writing, makes it where there is none.
template <class Open>
power_report lose_power(const power_options& o, Open open) {
  power_report r;
  for (std::uint64_t seed = o.seed * 1'000'003; r.losses < o.losses; ++seed) {
    powerless_store<Open> one{o, seed, open};
    bool sound = true;
    for (int i = 0; i < o.of_one && sound && r.losses < o.losses; ++i, ++r.losses) sound = one.lose_power();
    if (sound) one.look_at_all();
    one.add_to(r);
  }
  return r;
}

inline void print(const char* what, const power_options& o, const power_report& r) {
  const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  std::printf(
      "  %s: seed=%llu losses=%llu %s refused=%llu (writes=%llu syncs=%llu folder syncs=%llu unsynced "
      "sectors=%llu)\n",
      what, n(o.seed), n(r.losses), to_string(static_cast<const peal::testing::kept_report&>(r)).c_str(), n(r.refused),
      n(r.writes), n(r.syncs), n(r.folder_syncs), n(r.unsynced_sectors));
}

}  // namespace peal_test
