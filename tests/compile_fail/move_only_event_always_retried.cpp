// SPDX-License-Identifier: MIT
// expect: peal: the handler always answers peal::retry, but its event cannot be copied
#include <peal/bus/bus.hpp>

#include <memory>

struct picture {
  std::unique_ptr<int> pixels;
};

peal::subscription wire(peal::bus<picture>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<picture>(
      "screen", [](const picture&) { return peal::retry; }, peal::otherwise(peal::discard));
#else
  return bus.subscribe<picture>(
      "screen", [](const picture&) { return peal::discard; }, peal::otherwise(peal::discard));
#endif
}
