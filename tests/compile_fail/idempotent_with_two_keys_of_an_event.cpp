// SPDX-License-Identifier: MIT
// expect: peal: idempotent{…} has more than one key for the same event; keep the one that names it exactly
#include <peal/policy/idempotency.hpp>

struct order {
  long id;
};
struct refund {
  long id;
};

#ifdef PEAL_EXPECT_FAIL
const auto key = peal::idempotent{&order::id, [](const auto& e) { return e.id; }}.key(order{});
#else
const auto key = peal::idempotent{&order::id, [](const refund& r) { return r.id; }}.key(order{});
#endif
