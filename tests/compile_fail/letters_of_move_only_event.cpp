// SPDX-License-Identifier: MIT
// expect: peal: letters are read as copies, and this event cannot be copied
#include <peal/bus/bus.hpp>

#include <memory>

struct picture {
  std::unique_ptr<int> pixels;
};

std::size_t use(peal::bus<picture>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.dead_letters<picture>().size();
#else
  return bus.discard_letters<picture>();
#endif
}
