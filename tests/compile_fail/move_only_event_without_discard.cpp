// SPDX-License-Identifier: MIT
// expect: peal: an event that cannot be copied cannot be tried again or become a dead letter
#include <peal/bus/bus.hpp>

#include <memory>

struct picture {
  std::unique_ptr<int> pixels;
};

peal::subscription wire(peal::bus<picture>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<picture>("screen", [](const picture&) {});
#else
  return bus.subscribe<picture>(
      "screen", [](const picture&) {}, peal::otherwise(peal::discard));
#endif
}
