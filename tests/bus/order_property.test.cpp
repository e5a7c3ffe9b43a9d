// SPDX-License-Identifier: MIT
// Order by key under everything at once; tests/stress runs a thousand seeds of the same.
#include "bus/order_model.hpp"

TEST_CASE("ordered_by: whatever fails, waits, is redriven, discarded or stopped, a key's events run in order",
          "[bus][P23][P3][P24]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    peal_test::order_model model{
        seed, {.keys = seed % 3 == 0 ? 3 : 60, .hold = seed % 4 != 0, .hands = static_cast<unsigned>(seed % 5)}};
    model.run();
  }
}

TEST_CASE("ordered_by: ten thousand keys in trouble", "[bus][P23][P3]") {
  peal_test::order_model model{7, {.keys = 10'000, .operations = 30'000, .hands = GENERATE(0U, 8U)}};
  model.run();
  CHECK(model.failed > 1000);
  CHECK(model.dead > 100);
  CHECK(model.redriven > 100);
}

TEST_CASE("concurrency: room that a hand's turn makes is used in the next turn, though something was stalled",
          "[bus][P4][P23]") {
  peal_test::order_model model{200'983, {.hands = 3}};
  model.run();
}

TEST_CASE("ordered_by: letters that are blocked again stay before younger ones of their key", "[bus][ordered][P23]") {
  // A seed that once brought this about: their holder redriven, a restart, then a letter among them holds the key.
  peal_test::order_model model{3'284'775'323, {.hands = 3}};
  model.run();
}
