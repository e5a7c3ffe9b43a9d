// SPDX-License-Identifier: MIT
// msgpack-cxx beside the library's own encoding: each reads what the other writes.
#include "codec/codec_events.hpp"

#include <peal/adapters/msgpack/msgpack.hpp>

#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace msgpack_test {

struct ours {
  std::string id;
  std::int64_t n{};
  double d{};
  std::vector<std::uint16_t> list;
  static constexpr peal::event_name name{"test.ours", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &ours::id}, peal::field{"n", &ours::n},
                                              peal::field{"d", &ours::d}, peal::field{"list", &ours::list});
};
struct theirs {
  std::string id;
  std::int64_t n{};
  double d{};
  std::vector<std::uint16_t> list;
  static constexpr peal::event_name name{"test.theirs", 1};
  MSGPACK_DEFINE(id, n, d, list)
};

}  // namespace msgpack_test

template <>
struct peal::codec_of<msgpack_test::theirs> : peal::msgpack::codec<msgpack_test::theirs> {};

using namespace msgpack_test;

TEST_CASE("msgpack: both write the same bytes and read each other's", "[codec][msgpack]") {
  std::mt19937_64 random{5};
  for (int i = 0; i < 500; ++i) {
    ours mine{codec_test::any_text(random), codec_test::any_integer<std::int64_t>(random), 0.25, {}};
    for (std::uint64_t k = random() % 40; k != 0; --k)
      mine.list.push_back(codec_test::any_integer<std::uint16_t>(random));
    peal::byte_buffer by_us;
    peal::encode(mine, by_us);
    peal::byte_buffer by_them;
    peal::encode(theirs{mine.id, mine.n, mine.d, mine.list}, by_them);
    REQUIRE(by_us == by_them);
    const auto back = peal::decode<theirs>(by_us);
    REQUIRE((back.id == mine.id && back.n == mine.n && back.list == mine.list));
    REQUIRE(peal::decode<ours>(by_them).id == mine.id);
  }
}

TEST_CASE("msgpack: hostile bytes are refused before the library sees them", "[codec][msgpack]") {
  const peal::byte_buffer deep(1'000'000, std::byte{0x91});
  CHECK_THROWS_WITH(peal::decode<theirs>(deep), peal_test::contains_text("deeper than max_depth allows"));
  peal::byte_buffer bytes;
  peal::encode(theirs{"x", 1, 2, {3}}, bytes);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    REQUIRE_THROWS_AS(peal::decode<theirs>(std::span{bytes}.first(n)), peal::decode_error);
  }
  bytes[1] = std::byte{0xc0};
  CHECK_THROWS_AS(peal::decode<theirs>(bytes), peal::decode_error);
}
