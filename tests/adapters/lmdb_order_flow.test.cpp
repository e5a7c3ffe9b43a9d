// SPDX-License-Identifier: MIT
// The main program in LMDB: killed at any moment and started again, its books balance.
#include <peal/adapters/lmdb/lmdb_store.hpp>

#include "../../examples/order_flow/stream_ledger.hpp"
#include "bus/retained_topic.hpp"
#include "examples/order_flow_kills.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace {

class place final : public peal_test::shop_place {
 public:
  [[nodiscard]] peal_test::shop_store open(const std::string& path) const override {
    auto kept = std::make_unique<peal::lmdb::store>(path, peal::lmdb::options{.durability = peal::sync::os});
    auto entries = std::make_unique<order_flow::stream_ledger>(*kept);
    return {std::move(kept), std::move(entries)};
  }
  [[nodiscard]] std::unique_ptr<peal::store> open_for_reading(const std::string& path) const override {
    return std::make_unique<peal::lmdb::store>(path, peal::lmdb::options{.mode = peal::open_mode::read});
  }
};

}  // namespace

TEST_CASE("lmdb: order_flow, killed at any moment, goes on where it was, and its books balance",
          "[adapters][lmdb][order_flow][P31][P32]") {
  const auto seen = peal_test::kill_order_flow("LMDB", place{}, peal_test::scaled(40));
  CHECK(seen.lost == 0);
  CHECK(seen.duplicated == 0);
  CHECK(seen.days != 0);
}

TEST_CASE("lmdb: of a topic that is compacted the newest of each key stay, and what somebody has still to read",
          "[adapters][lmdb][durable][retention]") {
  peal_test::temporary_folder folder;
  peal::lmdb::store kept{folder.path("market.lmdb"), {.durability = peal::sync::os}};
  peal_test::newest_of_each_key_stay(kept, peal_test::seed(), static_cast<int>(peal_test::scaled(4)));
}
