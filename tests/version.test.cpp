// SPDX-License-Identifier: MIT
// The version of the headers.
#include "support/catch.hpp"

#include <peal/version.hpp>

TEST_CASE("version: the three numbers and the one for #if say the same", "[version]") {
  REQUIRE(peal::version_major * 10000 + peal::version_minor * 100 + peal::version_patch == PEAL_VERSION);
}
