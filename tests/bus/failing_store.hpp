// SPDX-License-Identifier: MIT
// Stores that say no in the tests of durable topics, and the event that they are given.
#pragma once

#include <peal/codec/codec.hpp>
#include <peal/testing/store_wrapper.hpp>

#include <cstdint>
#include <string_view>

namespace peal_test {

struct tick {
  std::int64_t n{};
  static constexpr peal::event_name name{"test.tick", 1};
  static constexpr auto fields = peal::fields(peal::field{"n", &tick::n});
};

/// A disk that is full until somebody makes room; what would go away cannot, while a test says so.
struct full_store final : peal::testing::store_wrapper {
  using store_wrapper::store_wrapper;
  void commit(const peal::store_batch& b) override {
    ++asked;
    if (full) throw peal::store_error(peal::store_errc::no_space, place(), "commit");
    wrapped().commit(b);
  }
  std::uint64_t trim(std::string_view topic, std::uint64_t before) override {
    if (stuck) throw peal::store_error(peal::store_errc::corrupt, place(), "trim");
    return wrapped().trim(topic, before);
  }
  std::uint64_t forget_claims(std::string_view scope, peal::wall_time before) override {
    if (stuck) throw peal::store_error(peal::store_errc::corrupt, place(), "forget claims");
    return wrapped().forget_claims(scope, before);
  }
  bool full = false;
  bool stuck = false;
  std::uint64_t asked = 0;
};

}  // namespace peal_test
