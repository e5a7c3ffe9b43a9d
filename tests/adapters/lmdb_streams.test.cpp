// SPDX-License-Identifier: MIT
// Streams and projections in LMDB.
#include <peal/adapters/lmdb/lmdb_store.hpp>
#include <peal/pattern/projection.hpp>

#include <cstdint>

#include "pattern/stream_property.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace bank;

TEST_CASE("lmdb: states of streams are folds of their first events", "[adapters][lmdb][streams]") {
  peal_test::temporary_folder folder;
  peal::lmdb::store kept{folder.path("bank.lmdb"), {.durability = peal::sync::os}};
  states_are_folds_of_prefixes(kept, 100);
}

TEST_CASE("lmdb: a projection goes on where it ended, and its handlers may write to the store",
          "[adapters][lmdb][projection]") {
  peal_test::temporary_folder folder;
  peal::lmdb::store kept{folder.path("bank.lmdb"), {.durability = peal::sync::os}};
  accounts all{kept, "bank.accounts"};
  accounts copies{kept, "bank.copies"};
  for (int i = 0; i < 700; ++i) all.append("a", peal::any_version, deposited{1});
  const auto copy = [&](const deposited& e, const peal::replayed_event& about) {
    copies.append(about.key(), about.stream_version() - 1, {.causation = about.id()}, e);
  };
  for (const std::uint64_t expected : {700U, 0U}) {
    peal::projection<deposited> p{kept, {.name = "copier", .topics = {"bank.accounts"}}, copy};
    CHECK(p.catch_up().handled == expected);
  }
  CHECK(copies.version("a") == 700);
}
