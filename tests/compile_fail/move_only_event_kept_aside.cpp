// SPDX-License-Identifier: MIT
// expect: peal: idempotent and behind keep events aside, which needs them copyable
#include <peal/bus/bus.hpp>

#include <memory>

struct picture {
  std::unique_ptr<int> pixels;
};

peal::subscription wire(peal::bus<picture>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<picture>(
      "screen", [](const picture&) {}, peal::otherwise(peal::discard), peal::behind{peal::drop_oldest});
#else
  return bus.subscribe<picture>(
      "screen", [](const picture&) {}, peal::otherwise(peal::discard));
#endif
}
