// SPDX-License-Identifier: MIT
// Stores in SQLite as earlier versions wrote them: read, and written on.
#include <peal/adapters/sqlite/sqlite_store.hpp>

#include <filesystem>
#include <memory>
#include <string>

#include "support/catch.hpp"
#include "support/golden_store.hpp"

namespace {

std::unique_ptr<peal::store> open_store(const std::string& path, peal::open_mode mode) {
  return std::make_unique<peal::sqlite::store>(path, peal::sqlite::options{.mode = mode, .page_bytes = 512});
}

}  // namespace

TEST_CASE("sqlite: a store that an older version of the format wrote is read and written on",
          "[adapters][sqlite][P38]") {
  peal_test::reads_golden("sqlite_1.db", "store_1.txt", open_store);
  peal_test::reads_golden("sqlite_1_1.db", "store_1_1.txt", open_store);
}

// A golden file is made once, by the version whose format it has: `peal_adapter_sqlite "[.golden]"`.
TEST_CASE("sqlite: makes the golden file of its format where there is none", "[.golden]") {
  peal_test::makes_golden("sqlite_1_1.db", "store_1_1.txt", open_store,
                          [](const std::string& from, const std::string& to) { std::filesystem::copy_file(from, to); });
}
