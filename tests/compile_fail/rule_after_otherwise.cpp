// SPDX-License-Identifier: MIT
// expect: peal: a rule written after otherwise(…) can never match; write otherwise(…) last
#include <peal/policy/retry.hpp>

#include <stdexcept>

#ifdef PEAL_EXPECT_FAIL
const peal::rule_set rules{peal::otherwise(peal::backoff{}), peal::on<int>(peal::discard)};
#else
const peal::rule_set rules{peal::on<int>(peal::discard), peal::otherwise(peal::backoff{})};
#endif
