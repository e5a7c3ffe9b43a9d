// SPDX-License-Identifier: MIT
// expect: peal: concurrency keeps events aside, which needs them copyable
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
struct parcel {
  explicit parcel(long n) noexcept : id{n} {}
  parcel(parcel&&) noexcept = default;
  long id;
};

peal::subscription wire(peal::bus<order, parcel>& bus) {
#ifdef PEAL_EXPECT_FAIL
  using event = parcel;
#else
  using event = order;
#endif
  return bus.subscribe<event>(
      "stock", [](const event&) {}, peal::concurrency{4}, peal::otherwise(peal::discard));
}
