// SPDX-License-Identifier: MIT
// Stores in LMDB as earlier versions wrote them: read, and written on.
#include <peal/adapters/lmdb/lmdb_store.hpp>

#include <lmdb.h>

#include <bit>
#include <memory>
#include <string>

#include "support/catch.hpp"
#include "support/golden_store.hpp"

namespace {

std::unique_ptr<peal::store> open_store(const std::string& path, peal::open_mode mode) {
  return std::make_unique<peal::lmdb::store>(path, peal::lmdb::options{.mode = mode});
}

/// LMDB's files are of the machine's word and byte order.
constexpr bool readable = sizeof(std::size_t) == 8 && std::endian::native == std::endian::little;

/// Without the pages that are free.
void pack(const std::string& from, const std::string& to) {
  ::MDB_env* env = nullptr;
  REQUIRE(::mdb_env_create(&env) == 0);
  REQUIRE(::mdb_env_open(env, from.c_str(), MDB_NOSUBDIR | MDB_RDONLY, 0664) == 0);
  REQUIRE(::mdb_env_copy2(env, to.c_str(), MDB_CP_COMPACT) == 0);
  ::mdb_env_close(env);
}

}  // namespace

TEST_CASE("lmdb: a store that an older version of the format wrote is read and written on", "[adapters][lmdb][P38]") {
  if (readable) peal_test::reads_golden("lmdb_1.mdb", "store_1.txt", open_store);
  if (readable) peal_test::reads_golden("lmdb_1_1.mdb", "store_1_1.txt", open_store);
}

// A golden file is made once, by the version whose format it has: `peal_adapter_lmdb "[.golden]"`.
TEST_CASE("lmdb: makes the golden file of its format where there is none", "[.golden]") {
  peal_test::makes_golden("lmdb_1_1.mdb", "store_1_1.txt", open_store, pack);
}
