// SPDX-License-Identifier: MIT
// expect: peal: a rule can never match because an on<Base> before it catches the same exception; write the derived exception first
#include <peal/policy/retry.hpp>

#include <stdexcept>

#ifdef PEAL_EXPECT_FAIL
const peal::rule_set rules{peal::on<std::runtime_error>(peal::backoff{}), peal::on<std::range_error>(peal::discard)};
#else
const peal::rule_set rules{peal::on<std::range_error>(peal::discard), peal::on<std::runtime_error>(peal::backoff{})};
#endif
