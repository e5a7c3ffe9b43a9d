// SPDX-License-Identifier: MIT
// The main program in SQLite: killed at any moment and started again, its books balance.
#include <peal/adapters/sqlite/sqlite_store.hpp>

#include "../../examples/order_flow/sqlite_ledger.hpp"
#include "examples/order_flow_kills.hpp"
#include "support/catch.hpp"

namespace {

class place final : public peal_test::shop_place {
 public:
  [[nodiscard]] peal_test::shop_store open(const std::string& path) const override {
    auto kept = std::make_unique<peal::sqlite::store>(path, peal::sqlite::options{.durability = peal::sync::os});
    auto entries = std::make_unique<order_flow::sqlite_ledger>(*kept);
    return {std::move(kept), std::move(entries)};
  }
  [[nodiscard]] std::unique_ptr<peal::store> open_for_reading(const std::string& path) const override {
    return std::make_unique<peal::sqlite::store>(path, peal::sqlite::options{.mode = peal::open_mode::read});
  }
};

}  // namespace

TEST_CASE("sqlite: order_flow, killed at any moment, goes on where it was, and its books balance",
          "[adapters][sqlite][order_flow][P31][P32]") {
  const auto seen = peal_test::kill_order_flow("SQLite", place{}, peal_test::scaled(40));
  CHECK(seen.lost == 0);
  CHECK(seen.duplicated == 0);
  CHECK(seen.days != 0);
}
