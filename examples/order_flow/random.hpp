// SPDX-License-Identifier: MIT
// Chance that is the same on every machine for the same seed.
#pragma once

#include <cstdint>
#include <string_view>

namespace order_flow {

/// Mixes all bits of a word (the finalizer of SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
constexpr std::uint64_t mixed(std::uint64_t word) {
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
  return word ^ (word >> 31);
}

/// A text as a number (FNV-1a).
constexpr std::uint64_t hashed(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

/// True for a share `probability` of all words.
constexpr bool happens(double probability, std::uint64_t word) {
  return static_cast<double>(word >> 11) * 0x1p-53 < probability;
}

class random_numbers {
 public:
  explicit random_numbers(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return mixed(state_ += 0x9E3779B97F4A7C15u); }
  std::uint64_t below(std::uint64_t end) { return next() % end; }  // the bias is of no matter here
  bool chance(double probability) { return happens(probability, next()); }

 private:
  std::uint64_t state_;
};

}  // namespace order_flow
