// SPDX-License-Identifier: MIT
// The version of the library, for code and for CMake, which reads it from the one number below.
#pragma once

/// major * 10000 + minor * 100 + patch, for `#if`.
#define PEAL_VERSION 100

namespace peal::inline v0 {

inline constexpr int version_major = PEAL_VERSION / 10000;
inline constexpr int version_minor = PEAL_VERSION / 100 % 100;
inline constexpr int version_patch = PEAL_VERSION % 100;

}  // namespace peal::inline v0
