// SPDX-License-Identifier: MIT
// expect: peal: a letters_where or letters_with_key takes another event than the one whose letters are asked for
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
struct refund {
  long id;
};

std::size_t use(peal::bus<order, refund>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.dead_letters<order>({}, peal::letters_with_key{&refund::id, 7}).size();
#else
  return bus.dead_letters<order>({}, peal::letters_with_key{&order::id, 7}).size();
#endif
}
