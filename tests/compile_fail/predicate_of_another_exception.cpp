// SPDX-License-Identifier: MIT
// expect: peal: the predicate of on<Exception>(predicate, action) takes (const Exception&) and returns bool
#include <peal/policy/retry.hpp>

#include <stdexcept>

struct other {};
#ifdef PEAL_EXPECT_FAIL
void f() {
  (void)peal::on<std::runtime_error>([](const other&) { return true; }, peal::discard);
}
#else
void f() {
  (void)peal::on<std::runtime_error>([](const std::runtime_error&) { return true; }, peal::discard);
}
#endif
