// SPDX-License-Identifier: MIT
// expect: peal: breaker{…}.counting<…>() names the exceptions' types themselves, without const or &
#include <peal/policy/breaker.hpp>

struct gateway_down {};

#ifdef PEAL_EXPECT_FAIL
const auto counted = peal::breaker{}.counting<const gateway_down&>();
#else
const auto counted = peal::breaker{}.counting<gateway_down>();
#endif
