// SPDX-License-Identifier: MIT
// The store in SQLite when the power goes: on a disk that drops, reorders and tears what was not synced.
#include <peal/adapters/sqlite/sqlite_store.hpp>

#include <memory>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "support/power_loss.hpp"
#include "support/stress_options.hpp"

namespace {

/// Small pages now and then, so that the log is moved often.
auto opening(peal::sync durability) {
  return [durability](const std::string& path, std::mt19937_64& random) -> std::unique_ptr<peal::store> {
    peal::sqlite::options o{.durability = durability};
    if (random() % 2 == 0) o.page_bytes = 512;
    return std::make_unique<peal::sqlite::store>(path, o);
  };
}

peal_test::power_report lose(const char* what, const peal_test::power_options& o,
                             peal::sync durability = peal::sync::full) {
  const auto r = peal_test::lose_power(o, opening(durability));
  peal_test::print(what, o, r);
  CHECK(r.losses == o.losses);
  return r;
}

}  // namespace

TEST_CASE("sqlite: the loss of power at any moment loses nothing that was acknowledged and tears no batch",
          "[adapters][sqlite][P30]") {
  const auto r = lose("sync full", {.seed = peal_test::seed(), .losses = peal_test::scaled(250)});
  INFO(r.problem);
  CHECK(r.lost == 0);
  CHECK(r.torn == 0);
  CHECK(r.refused == 0);
  CHECK(r.acknowledged > r.losses);
  CHECK(r.unsynced_sectors > r.losses);
}

TEST_CASE("sqlite: without waiting for the disk batches are lost when the power goes, none is torn",
          "[adapters][sqlite][P30]") {
  const auto r = lose("sync os", {.seed = peal_test::seed(), .losses = 60}, peal::sync::os);
  INFO(r.problem);
  CHECK(r.lost > 0);
  CHECK(r.torn == 0);
  CHECK(r.refused == 0);
}

TEST_CASE("sqlite: a disk whose syncs do nothing, or that forgets its folder, is noticed", "[adapters][sqlite][P30]") {
  using peal_test::missing;
  for (const missing what : {missing::file_syncs, missing::folder_syncs}) {
    const auto r = lose(what == missing::file_syncs ? "no file syncs" : "no folder syncs",
                        {.seed = peal_test::seed(), .losses = 60, .of_one = 2, .what = what, .in_order = true});
    CHECK(r.lost > 0);
  }
}
