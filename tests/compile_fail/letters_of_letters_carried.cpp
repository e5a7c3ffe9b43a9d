// SPDX-License-Identifier: MIT
// expect: peal: a bus cannot carry the letters of letters
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
using letter = peal::dead_letter_record<order>;

#ifdef PEAL_EXPECT_FAIL
peal::bus<order, letter, peal::dead_letter_record<letter>> bus;
#else
peal::bus<order, letter> bus;
#endif
