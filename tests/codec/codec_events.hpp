// SPDX-License-Identifier: MIT
// An event that has a field of every kind, and random values for it.
#pragma once

#include <peal/codec/codec.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace codec_test {

enum class colour : std::uint8_t { red = 1, green = 2 };

struct line {
  std::string sku;
  std::uint32_t quantity{};
  friend bool operator==(const line&, const line&) = default;
  static constexpr auto fields = peal::fields(peal::field{"sku", &line::sku}, peal::field{"quantity", &line::quantity});
};

struct everything {
  bool yes{};
  std::int8_t i8{};
  std::int16_t i16{};
  std::int32_t i32{};
  std::int64_t i64{};
  std::uint8_t u8{};
  std::uint16_t u16{};
  std::uint32_t u32{};
  std::uint64_t u64{};
  float f32{};
  double f64{};
  colour paint{colour::red};
  std::string text;
  std::vector<std::byte> bytes;
  std::vector<line> lines;
  std::vector<bool> flags;
  std::array<std::int16_t, 3> three{};
  std::optional<std::string> note;
  std::map<std::string, std::int64_t> by_name;
  std::unordered_map<std::uint32_t, line> by_number;
  std::chrono::milliseconds length{};
  std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds> moment{};
  peal::event_id id{};

  friend bool operator==(const everything&, const everything&) = default;
  static constexpr peal::event_name name{"test.everything", 1};
  static constexpr auto fields = peal::fields(
      peal::field{"yes", &everything::yes}, peal::field{"i8", &everything::i8}, peal::field{"i16", &everything::i16},
      peal::field{"i32", &everything::i32}, peal::field{"i64", &everything::i64}, peal::field{"u8", &everything::u8},
      peal::field{"u16", &everything::u16}, peal::field{"u32", &everything::u32}, peal::field{"u64", &everything::u64},
      peal::field{"f32", &everything::f32}, peal::field{"f64", &everything::f64},
      peal::field{"paint", &everything::paint}, peal::field{"text", &everything::text},
      peal::field{"bytes", &everything::bytes}, peal::field{"lines", &everything::lines},
      peal::field{"flags", &everything::flags}, peal::field{"three", &everything::three},
      peal::field{"note", &everything::note}, peal::field{"by_name", &everything::by_name},
      peal::field{"by_number", &everything::by_number}, peal::field{"length", &everything::length},
      peal::field{"moment", &everything::moment}, peal::field{"id", &everything::id});
};

/// Numbers near the edges more often than elsewhere.
template <class T>
T any_integer(std::mt19937_64& random) {
  constexpr T edges[] = {0, 1, 31, 32, 127, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  const std::uint64_t draw = random();
  if (draw % 3 == 0) return edges[(draw / 3) % std::size(edges)];
  return static_cast<T>(random() >> (draw % 64));
}

inline std::string any_text(std::mt19937_64& random) {
  constexpr std::size_t lengths[] = {0, 1, 31, 32, 255, 256, 70'000};
  const std::uint64_t draw = random();
  const std::size_t n = draw % 64 == 0 ? lengths[6] : lengths[draw % 6];
  std::string text(n, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

inline line any_line(std::mt19937_64& random) { return {any_text(random), any_integer<std::uint32_t>(random)}; }

inline everything any_event(std::mt19937_64& random) {
  everything e;
  e.yes = random() % 2 == 0;
  e.i8 = any_integer<std::int8_t>(random);
  e.i16 = any_integer<std::int16_t>(random);
  e.i32 = any_integer<std::int32_t>(random);
  e.i64 = any_integer<std::int64_t>(random);
  e.u8 = any_integer<std::uint8_t>(random);
  e.u16 = any_integer<std::uint16_t>(random);
  e.u32 = any_integer<std::uint32_t>(random);
  e.u64 = any_integer<std::uint64_t>(random);
  e.f32 = static_cast<float>(any_integer<std::int32_t>(random)) / 7.0F;
  e.f64 = static_cast<double>(any_integer<std::int64_t>(random)) / 7.0;
  e.paint = random() % 2 == 0 ? colour::red : colour::green;
  e.text = any_text(random);
  e.bytes.resize(random() % 300);
  for (std::byte& b : e.bytes) b = static_cast<std::byte>(random());
  for (std::uint64_t n = random() % 20; n != 0; --n) e.lines.push_back(any_line(random));
  for (std::uint64_t n = random() % 20; n != 0; --n) e.flags.push_back(random() % 2 == 0);
  for (std::int16_t& i : e.three) i = any_integer<std::int16_t>(random);
  if (random() % 2 == 0) e.note = any_text(random);
  for (std::uint64_t n = random() % 20; n != 0; --n) e.by_name[any_text(random)] = any_integer<std::int64_t>(random);
  for (std::uint64_t n = random() % 5; n != 0; --n) {
    e.by_number[any_integer<std::uint32_t>(random)] = any_line(random);
  }
  e.length = std::chrono::milliseconds{any_integer<std::int64_t>(random)};
  e.moment += std::chrono::microseconds{any_integer<std::int32_t>(random)};
  e.id = {random(), random()};
  return e;
}

}  // namespace codec_test
