// SPDX-License-Identifier: MIT
// expect: peal: letters are redriven as copies, and this event cannot be copied
#include <peal/bus/bus.hpp>

#include <memory>

struct picture {
  std::unique_ptr<int> pixels;
};

std::size_t use(peal::bus<picture>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.redrive<picture>();
#else
  return bus.discard_letters<picture>();
#endif
}
