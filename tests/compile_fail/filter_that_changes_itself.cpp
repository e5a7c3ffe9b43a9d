// SPDX-License-Identifier: MIT
// expect: peal: the predicate of a filter is callable through const and returns bool
#include <peal/policy/filter.hpp>

#ifdef PEAL_EXPECT_FAIL
const bool ok = peal::filter{[n = 0](int i) mutable { return i > ++n; }}(3);
#else
const bool ok = peal::filter{[n = 0](int i) { return i > n; }}(3);
#endif
