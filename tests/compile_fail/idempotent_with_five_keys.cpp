// SPDX-License-Identifier: MIT
// expect: peal: idempotent{key…} takes one to four keys, each a member pointer or a function of the event
#include <peal/policy/idempotency.hpp>

struct order {
  long id;
};
struct refund {
  long id;
};

#ifdef PEAL_EXPECT_FAIL
const peal::idempotent keys{&order::id, &order::id, &order::id, &order::id, &order::id};
#else
const peal::idempotent keys{&order::id, &refund::id, {.capacity = 5}};
#endif
