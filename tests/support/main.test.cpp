// SPDX-License-Identifier: MIT
// What main promises to the tests: ctest finds every name, and a seed is there.
#include "support/catch.hpp"
#include "support/stress_options.hpp"

TEST_CASE("main: ctest runs a name with a, b; [c], \"d\", ~e, *f*, g*", "[support]") { SUCCEED(); }

TEST_CASE("main: a scaled count is never nothing", "[support]") { REQUIRE(peal_test::scaled(0) == 1); }
