// SPDX-License-Identifier: MIT
// expect: peal: this sentence is printed too early
static_assert(sizeof(char) == 2, "peal: this sentence is printed too early");
