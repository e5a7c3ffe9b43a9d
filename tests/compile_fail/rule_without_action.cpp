// SPDX-License-Identifier: MIT
// expect: peal: the action of on<Exception>(action) is peal::backoff{…}, peal::pause{…}, peal::discard or peal::dead_letter
#include <peal/policy/retry.hpp>

#include <stdexcept>

#ifdef PEAL_EXPECT_FAIL
void f() { (void)peal::on<int>(5); }
#else
void f() { (void)peal::on<int>(peal::backoff{}); }
#endif
