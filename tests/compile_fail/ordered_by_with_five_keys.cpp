// SPDX-License-Identifier: MIT
// expect: peal: ordered_by{key…} takes one to four keys, each a member pointer or a function of the event
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

#ifdef PEAL_EXPECT_FAIL
const peal::ordered_by by{&order::id, &order::id, &order::id, &order::id, &order::id};
#else
const peal::ordered_by by{&order::id};
#endif
