// SPDX-License-Identifier: MIT
// expect: peal: a subscription has more than one otherwise(…); keep one, written after every on<…>
#include <peal/policy/retry.hpp>

#include <stdexcept>

#ifdef PEAL_EXPECT_FAIL
const peal::rule_set rules{peal::otherwise(peal::backoff{}), peal::otherwise(peal::discard)};
#else
const peal::rule_set rules{peal::otherwise(peal::backoff{})};
#endif
