// SPDX-License-Identifier: MIT
// expect: peal: this event cannot be copied; publish it with std::move
#include <peal/bus/bus.hpp>

#include <memory>
#include <utility>

struct picture {
  std::unique_ptr<int> pixels;
};

void use(peal::bus<picture>& bus, picture& p) {
#ifdef PEAL_EXPECT_FAIL
  bus.publish(p);
#else
  bus.publish(std::move(p));
#endif
}
