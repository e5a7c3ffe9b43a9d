// SPDX-License-Identifier: MIT
// expect: peal: this bus carries the letters of an event that it does not carry; add the event to its topics
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
struct refund {
  long id;
};

#ifdef PEAL_EXPECT_FAIL
peal::bus<refund, peal::dead_letter_record<order>> bus;
#else
peal::bus<refund, peal::dead_letter_record<refund>> bus;
#endif
