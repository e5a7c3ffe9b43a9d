// SPDX-License-Identifier: MIT
// Positions: distance and advance, across the end of the word.
#include <peal/ring/sequence.hpp>

#include "support/catch.hpp"

using peal::advance;
using peal::distance;
using peal::position_mask;
using peal::retreat;

TEST_CASE("sequence: the distance of two positions is signed", "[ring][sequence]") {
  CHECK(distance(5, 3) == 2);
  CHECK(distance(3, 5) == -2);
  CHECK(distance(7, 7) == 0);
}

TEST_CASE("sequence: positions wrap at 2^56 and distances do not notice", "[ring][sequence]") {
  CHECK(advance(position_mask, 1) == 0);
  CHECK(retreat(0, 1) == position_mask);
  CHECK(distance(advance(position_mask - 1, 5), position_mask - 1) == 5);
  CHECK(distance(position_mask - 1, advance(position_mask - 1, 5)) == -5);
  CHECK(distance(0, position_mask) == 1);
}

TEST_CASE("sequence: a distance is right up to half the range", "[ring][sequence]") {
  constexpr std::uint64_t half = std::uint64_t{1} << 55;
  CHECK(distance(half - 1, 0) == static_cast<std::int64_t>(half - 1));
  CHECK(distance(0, half - 1) == -static_cast<std::int64_t>(half - 1));
}
