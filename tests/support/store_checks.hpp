// SPDX-License-Identifier: MIT
// What every adapter for a store is asked in the same words: the contract, and kill -9.
#pragma once

#include <peal/store/open_options.hpp>
#include <peal/testing/contract/store_contract.hpp>
#include <peal/testing/contract/store_kill_test.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "support/catch.hpp"
#include "support/stress_options.hpp"
#include "support/temporary_folder.hpp"

namespace peal_test {

/// A folder with one store in it.
template <class Store, class Options>
class file_place final : public peal::testing::store_place {
 public:
  explicit file_place(peal::sync durability = peal::sync::full) : durability_{durability} {}

  std::unique_ptr<peal::store> open() override {
    return std::make_unique<Store>(path(), Options{.durability = durability_});
  }
  std::unique_ptr<peal::store> open_for_reading() override {
    return std::make_unique<Store>(path(), Options{.mode = peal::open_mode::read});
  }
  [[nodiscard]] std::string path() const { return folder_.path("store"); }

 private:
  temporary_folder folder_;
  peal::sync durability_;
};

/// The code and text that opening throws.
template <class Store, class Options>
std::pair<peal::store_errc, std::string> refused_opening(const std::string& path, const Options& o = {}) {
  try {
    Store s{path, o};
  } catch (const peal::store_error& e) {
    return {e.code(), e.what()};
  }
  return {peal::store_errc{255}, "it was opened"};
}

inline peal::stored_event event(std::uint64_t position, std::string_view bytes) {
  peal::stored_event e;
  e.topic = "shop.orders";
  e.position = position;
  e.name = "shop.order";
  e.id = {1, position};
  e.correlation = e.id;
  e.payload = std::as_bytes(std::span<const char>(bytes.data(), bytes.size()));
  return e;
}

inline void append(peal::store& s, std::uint64_t position, std::string_view bytes = "payload") {
  peal::store_batch b;
  b.events = {event(position, bytes)};
  s.commit(b);
}

inline std::uint64_t count(const peal::store& s) {
  std::uint64_t n = 0;
  s.read("shop.orders", 0, 1'000'000, [&](const peal::stored_event&) { ++n; });
  return n;
}

/// Without waiting for the disk: it is the same code.
template <class Place>
void keeps_contract() {
  for (const peal::testing::store_case& c : peal::testing::store_contract) {
    Place place{peal::sync::os};
    INFO(c.name);
    std::printf("%s %s\n", peal::testing::run(c, place) ? "  ok  " : "  --  ", c.name.data());
  }
}

template <class Place>
void survives_kills() {
  const auto kills = static_cast<unsigned>(scaled(100));
  for (const auto durability : {peal::sync::full, peal::sync::os}) {
    Place place{durability};
    const auto r = peal::testing::kill_test(place, {.seed = seed(), .kills = kills});
    std::printf("  %s\n", to_string(r).c_str());
    CHECK(r.kills == kills);
    CHECK(r.lost == 0);
    CHECK(r.torn == 0);
  }
}

}  // namespace peal_test
