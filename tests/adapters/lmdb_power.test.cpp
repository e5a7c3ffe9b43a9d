// SPDX-License-Identifier: MIT
// The store in LMDB when the power goes: on a disk that drops, reorders and tears what was not synced.
#include <peal/adapters/lmdb/lmdb_store.hpp>

#include <memory>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "support/power_loss.hpp"
#include "support/stress_options.hpp"

namespace {

auto opening(peal::sync durability) {
  return [durability](const std::string& path, std::mt19937_64&) -> std::unique_ptr<peal::store> {
    return std::make_unique<peal::lmdb::store>(
        path, peal::lmdb::options{.durability = durability, .max_bytes = std::uint64_t{64} << 20});
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

TEST_CASE("lmdb: the loss of power at any moment loses nothing that was acknowledged and tears no batch",
          "[adapters][lmdb][P30]") {
  const auto r = lose("sync full", {.seed = peal_test::seed(), .losses = peal_test::scaled(250), .moments = 120});
  INFO(r.problem);
  CHECK(r.lost == 0);
  CHECK(r.torn == 0);
  CHECK(r.refused == 0);
  CHECK(r.acknowledged > r.losses);
  CHECK(r.unsynced_sectors > r.losses);
}

// In order, since LMDB has nothing to find damage by: a page that is another's may end the process.
TEST_CASE("lmdb: a disk whose syncs do nothing, or that forgets its folder, is noticed", "[adapters][lmdb][P30]") {
  using peal_test::missing;
  for (const missing what : {missing::file_syncs, missing::folder_syncs}) {
    const auto r =
        lose(what == missing::file_syncs ? "no file syncs" : "no folder syncs",
             {.seed = peal_test::seed(), .losses = 60, .moments = 120, .of_one = 2, .what = what, .in_order = true});
    CHECK(r.lost > 0);
  }
}

TEST_CASE("lmdb: without waiting for the disk batches are lost when the power goes", "[adapters][lmdb][P30]") {
  const auto r =
      lose("sync os", {.seed = peal_test::seed(), .losses = 60, .moments = 120, .in_order = true}, peal::sync::os);
  CHECK(r.lost > 0);
}
