// SPDX-License-Identifier: MIT
// expect: peal: on<Exception> names the exception's type itself, without const or &
#include <peal/policy/retry.hpp>

#include <stdexcept>

#ifdef PEAL_EXPECT_FAIL
const auto rule = peal::on<const std::runtime_error&>(peal::discard);
#else
const auto rule = peal::on<std::runtime_error>(peal::discard);
#endif
