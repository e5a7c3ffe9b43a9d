// SPDX-License-Identifier: MIT
// expect: peal: a rule can never match because an on<Base> before it catches the same exception; write the derived exception first
#include <peal/policy/retry.hpp>

#include <stdexcept>

#ifdef PEAL_EXPECT_FAIL
const peal::rule_set rules{peal::on<int>(peal::discard), peal::on<int>(peal::discard)};
#else
const peal::rule_set rules{peal::on<int>(peal::discard), peal::on<long>(peal::discard)};
#endif
