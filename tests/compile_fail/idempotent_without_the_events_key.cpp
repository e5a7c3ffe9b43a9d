// SPDX-License-Identifier: MIT
// expect: peal: idempotent{…} has no key for an event of this subscription; add a member pointer or a function that takes it
#include <peal/policy/idempotency.hpp>

struct order {
  long id;
};
struct refund {
  long id;
};

#ifdef PEAL_EXPECT_FAIL
const auto key = peal::idempotent{&order::id}.key(refund{});
#else
const auto key = peal::idempotent{&order::id, &refund::id}.key(refund{});
#endif
