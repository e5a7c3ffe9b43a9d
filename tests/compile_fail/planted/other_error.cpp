// SPDX-License-Identifier: MIT
// expect: peal: this sentence is only quoted
#ifdef PEAL_EXPECT_FAIL
int another = "peal: this sentence is only quoted";
#endif
