// SPDX-License-Identifier: MIT
// expect: peal: this sentence is never printed
#ifdef PEAL_EXPECT_FAIL
int fine;
#endif
