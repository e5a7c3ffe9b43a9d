// SPDX-License-Identifier: MIT
// expect: peal: a rule is made by peal::on<Exception>(action) or peal::otherwise(action)
#include <peal/policy/retry.hpp>

#include <stdexcept>

#ifdef PEAL_EXPECT_FAIL
const peal::rule_set rules{peal::backoff{}};
#else
const peal::rule_set rules{peal::otherwise(peal::backoff{})};
#endif
