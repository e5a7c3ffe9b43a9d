// SPDX-License-Identifier: MIT
// What a stress test is told from outside: `--seed N` (or PEAL_SEED) and `--scale X` (or PEAL_SCALE).
#pragma once

#include <cstdint>

namespace peal_test {

/// The run's seed. Printed by main before the first test; drawn from the machine when none is given.
std::uint64_t seed() noexcept;
/// Whether somebody gave it.
bool seed_given() noexcept;

/// How much longer than usual a stress test shall run. Units: a factor on its event counts; 1 is a few seconds a test.
double scale() noexcept;

/// `count` events times the scale, at least 1.
std::uint64_t scaled(std::uint64_t count) noexcept;

}  // namespace peal_test
