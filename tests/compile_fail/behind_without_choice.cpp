// SPDX-License-Identifier: MIT
// expect: peal: behind{…} takes peal::drop_oldest
#include <peal/policy/overflow.hpp>

#ifdef PEAL_EXPECT_FAIL
const peal::behind lagging{5};
#else
const peal::behind lagging{peal::drop_oldest};
#endif
