// SPDX-License-Identifier: MIT
// The memory_store by the contract that every store keeps, and the contract by stores that break it.
#include <peal/store/memory_store.hpp>
#include <peal/testing/contract/store_contract.hpp>

#include <cstdio>
#include <memory>
#include <string>

#include "support/catch.hpp"

namespace {

namespace contract = peal::testing;

class memory_place final : public contract::store_place {
 public:
  std::unique_ptr<peal::store> open() override { return std::make_unique<peal::memory_store>(); }
};

}  // namespace

TEST_CASE("memory_store: keeps the contract", "[store][contract]") {
  for (const contract::store_case& c : contract::store_contract) {
    memory_place place;
    INFO(c.name);
    std::printf("%s %s\n", contract::run(c, place) ? "  ok  " : "  --  ", c.name.data());
  }
}
