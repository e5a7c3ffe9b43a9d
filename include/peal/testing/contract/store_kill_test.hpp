// SPDX-License-Identifier: MIT
// Does a store keep its word when its process is killed? A child commits, the parent kills it, and looks. POSIX.
#pragma once

#include <peal/testing/contract/detail/child.hpp>
#include <peal/testing/contract/detail/kept_batches.hpp>
#include <peal/testing/contract/store_place.hpp>

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <thread>

namespace peal::inline v0::testing {

struct kill_options {
  std::uint64_t seed = 1;
  unsigned kills = 100;            ///< how often; count
  unsigned acknowledged_max = 30;  ///< batches that a child may commit before its time has come; count
};

struct kill_report : kept_report {
  std::uint64_t seed = 0;
  std::uint64_t kills = 0;
};

inline std::string to_string(const kill_report& r) {
  return "seed " + std::to_string(r.seed) + ", kills " + std::to_string(r.kills) + ", " +
         to_string(static_cast<const kept_report&>(r));
}

namespace contract_cases {

/// What a child does until it is killed.
inline void commit_and_tell(store_place& place, std::uint64_t seed, channel& acknowledged) {
  const auto s = place.open();
  numbered_batches batches{seed, ends_of(*s)};
  for (std::uint64_t n = cursor_of(*s, "batches") + 1;; ++n) {
    s->commit(batches.make(n));
    if (!acknowledged.write(&n, sizeof n)) return;
  }
}

class kill_check {
 public:
  explicit kill_check(const kill_options& o) : random_{o.seed}, options_{o}, kept_{o.seed} {}

  void once(store_place& place) {
    const std::uint64_t told = run_and_kill(place);
    kept_.look(*place.open(), told);
    ++kills_;
    if (!kept_.sound()) violated("after kill -9: " + to_string(report()) + "\n  " + kept_.problem());
  }
  [[nodiscard]] kill_report report() const { return {kept_.report(), options_.seed, kills_}; }

 private:
  /// The last batch that the child told of, or the last one before.
  std::uint64_t run_and_kill(store_place& place) {
    channel acknowledged;
    child writer{[&] { commit_and_tell(place, options_.seed, acknowledged); }};
    acknowledged.close_writing();
    std::uint64_t last = kept_.there();
    for (std::uint64_t wanted = random_() % (options_.acknowledged_max + 1); wanted != 0; --wanted) {
      if (!hear(acknowledged, last)) break;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 3'000));
    writer.kill();
    if (!writer.was_killed()) writer.finish();
    while (hear(acknowledged, last)) continue;
    return last;
  }
  static bool hear(channel& from, std::uint64_t& n) {
    std::uint64_t heard = 0;
    if (from.read(&heard, sizeof heard) != sizeof heard) return false;
    n = heard;
    return true;
  }

  std::mt19937_64 random_;
  kill_options options_;
  kept_batches kept_;
  std::uint64_t kills_ = 0;
};

}  // namespace contract_cases

/// Lets child processes commit to the store, kills each at a random moment, and looks at what is there after each: every
/// acknowledged batch whole, the one after it whole or absent, positions without gaps.
/// Errors: contract_violation, with the report and what was wrong.
/// Thread safety: forks; call it while the process has no other threads.
inline kill_report kill_test(store_place& place, const kill_options& o = {}) {
  contract_cases::kill_check check{o};
  for (unsigned i = 0; i < o.kills; ++i) check.once(place);
  return check.report();
}

}  // namespace peal::inline v0::testing
