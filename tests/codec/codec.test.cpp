// SPDX-License-Identifier: MIT
// Events to bytes and back; and bytes that are no events: cut off, changed, made to cost much.
#include "codec/codec_events.hpp"

#include <cstdio>

#include "support/catch.hpp"
#include "support/stress_options.hpp"

namespace {

using namespace codec_test;

template <class... Bytes>
peal::byte_buffer bytes_of(Bytes... each) {
  return {static_cast<std::byte>(each)...};
}

struct number {
  std::int64_t n{};
  static constexpr peal::event_name name{"test.number", 1};
  static constexpr auto fields = peal::fields(peal::field{"n", &number::n});
};
struct words {
  std::vector<std::vector<std::string>> all;
  static constexpr peal::event_name name{"test.words", 1};
  static constexpr auto fields = peal::fields(peal::field{"all", &words::all});
};
struct small {
  std::int8_t n{};
  static constexpr peal::event_name name{"test.small", 1};
  static constexpr auto fields = peal::fields(peal::field{"n", &small::n});
};

peal::byte_buffer encoded(std::int64_t n) {
  peal::byte_buffer out;
  peal::encode(number{n}, out);
  return out;
}

std::string refusal(auto&& f) {
  try {
    f();
  } catch (const peal::decode_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("codec: what is encoded comes back, whatever is in it", "[codec]") {
  std::mt19937_64 random{0xc0dec};
  for (int i = 0; i < 400; ++i) {
    const everything before = any_event(random);
    peal::byte_buffer bytes;
    peal::encode(before, bytes);
    const auto after = peal::decode<everything>(bytes);
    REQUIRE(after == before);
  }
}

TEST_CASE("codec: integers take MessagePack's shortest form", "[codec]") {
  CHECK(encoded(0) == bytes_of(0x91, 0x00));
  CHECK(encoded(127) == bytes_of(0x91, 0x7f));
  CHECK(encoded(128) == bytes_of(0x91, 0xcc, 0x80));
  CHECK(encoded(256) == bytes_of(0x91, 0xcd, 0x01, 0x00));
  CHECK(encoded(65'536) == bytes_of(0x91, 0xce, 0x00, 0x01, 0x00, 0x00));
  CHECK(encoded(std::int64_t{1} << 32) == bytes_of(0x91, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0));
  CHECK(encoded(-1) == bytes_of(0x91, 0xff));
  CHECK(encoded(-32) == bytes_of(0x91, 0xe0));
  CHECK(encoded(-33) == bytes_of(0x91, 0xd0, 0xdf));
  CHECK(encoded(-129) == bytes_of(0x91, 0xd1, 0xff, 0x7f));
  CHECK(encoded(-32'769) == bytes_of(0x91, 0xd2, 0xff, 0xff, 0x7f, 0xff));
  CHECK(encoded(std::numeric_limits<std::int64_t>::min()) == bytes_of(0x91, 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0));
}

TEST_CASE("codec: a longer form of an integer is read, too", "[codec]") {
  CHECK(peal::decode<number>(bytes_of(0x91, 0xcf, 0, 0, 0, 0, 0, 0, 0, 5)).n == 5);
  CHECK(peal::decode<number>(bytes_of(0x91, 0xd1, 0xff, 0xfe)).n == -2);
}

TEST_CASE("codec: an event that is appended leaves what is there", "[codec]") {
  peal::byte_buffer out = bytes_of(1, 2, 3);
  peal::encode(number{5}, out);
  CHECK(out == bytes_of(1, 2, 3, 0x91, 0x05));
}

TEST_CASE("codec: a refusal names the event, the field, the byte and the reason", "[codec]") {
  everything e;
  e.lines = {{"a", 1}, {"b", 2}};
  peal::byte_buffer whole;
  peal::encode(e, whole);
  CHECK(refusal([] { peal::decode<number>(bytes_of(0x91, 0xa1, 'x')); }) ==
        "peal: test.number cannot be decoded: field n: no integer, at byte 1");
  CHECK(refusal([] { peal::decode<number>(bytes_of(0x92, 1, 2)); }) ==
        "peal: test.number cannot be decoded: another number of fields, at byte 1");
  CHECK(refusal([] { peal::decode<number>(bytes_of(0x91, 1, 2)); }) ==
        "peal: test.number cannot be decoded: more bytes than the event has, at byte 2");
  CHECK(refusal([] { peal::decode<small>(bytes_of(0x91, 0xcc, 0x80)); }) ==
        "peal: test.small cannot be decoded: field n: the number does not fit, at byte 3");
  CHECK(refusal([] { peal::decode<number>(bytes_of(0x91, 0xcf, 0xff, 0, 0, 0, 0, 0, 0, 0)); }) ==
        "peal: test.number cannot be decoded: field n: the number does not fit, at byte 10");
  CHECK(refusal([] { peal::decode<number>({}); }) == "peal: test.number cannot be decoded: cut off, at byte 0");
  CHECK(refusal([] { peal::decode<words>(bytes_of(0x91, 0x92, 0x90, 0x92, 0xa1, 'x', 0xc0)); }) ==
        "peal: test.words cannot be decoded: field all[1][1]: no string, at byte 6");
}

TEST_CASE("codec: lengths that are not there cost nothing", "[codec]") {
  // A list of 2^32 - 1 elements in six bytes, and a string of as many bytes.
  CHECK(refusal([] { peal::decode<words>(bytes_of(0x91, 0xdd, 0xff, 0xff, 0xff, 0xff)); }) ==
        "peal: test.words cannot be decoded: field all: longer than the bytes that are left, at byte 6");
  CHECK(refusal([] { peal::decode<words>(bytes_of(0x91, 0x91, 0x91, 0xdb, 0xff, 0xff, 0xff, 0xff, 'x')); }) ==
        "peal: test.words cannot be decoded: field all[0][0]: longer than the bytes that are left, at byte 8");
}

TEST_CASE("codec: limits hold", "[codec]") {
  words w;
  w.all.assign(10, std::vector<std::string>(10, "x"));
  peal::byte_buffer bytes;
  peal::encode(w, bytes);
  CHECK(peal::decode<words>(bytes).all == w.all);
  CHECK_THROWS_WITH(peal::decode<words>(bytes, {.max_bytes = bytes.size() - 1}),
                    peal_test::contains_text("longer than max_bytes allows"));
  CHECK_THROWS_WITH(peal::decode<words>(bytes, {.max_depth = 2}),
                    peal_test::contains_text("deeper than max_depth allows"));
  CHECK(peal::decode<words>(bytes, {.max_depth = 3}).all == w.all);
  CHECK_THROWS_WITH(peal::decode<words>(bytes, {.max_items = 110}),
                    peal_test::contains_text("more elements than max_items allows"));
  CHECK(peal::decode<words>(bytes, {.max_items = 111}).all == w.all);
}

TEST_CASE("codec: cut off at every byte it is refused, with every bit changed it is refused or another event",
          "[codec]") {
  std::mt19937_64 random{7};
  everything e = any_event(random);
  e.text = "abc";
  e.f32 = 1.5F;  // of zero the sign's bit would make no difference
  e.f64 = 2.5;
  e.note = "x";
  e.lines = {{"sku", 300}};
  e.by_name = {{"k", -70'000}};
  e.by_number = {{1, {"s", 2}}};
  e.bytes.resize(5);
  peal::byte_buffer bytes;
  peal::encode(e, bytes);
  REQUIRE(bytes.size() < 400);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    REQUIRE_THROWS_AS(peal::decode<everything>(std::span{bytes}.first(n)), peal::decode_error);
  }
  std::size_t refused = 0;
  std::size_t others = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    peal::byte_buffer changed = bytes;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    try {
      if (peal::decode<everything>(changed) != e) ++others;
    } catch (const peal::decode_error&) {
      ++refused;
    }
  }
  std::printf("bits changed: %zu, refused %zu, another event %zu\n", 8 * bytes.size(), refused, others);
  CHECK(refused > 0);
  // A bit that makes a longer form of the same number out of it is not among them: none is left unnoticed.
  CHECK(refused + others == 8 * bytes.size());
}

TEST_CASE("codec: bytes drawn at random never do harm", "[codec]") {
  std::mt19937_64 random{11};
  std::size_t read = 0;
  for (int i = 0; i < 20'000; ++i) {
    peal::byte_buffer bytes(random() % 60);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    if (!bytes.empty() && i % 2 == 0) bytes[0] = std::byte{0x91};
    try {
      (void)peal::decode<words>(bytes);
      ++read;
    } catch (const peal::decode_error&) {
    }
  }
  CHECK(read < 20'000);
}

namespace {

struct legacy {
  int n = 0;
  static constexpr peal::event_name name{"test.legacy", 1};
};

}  // namespace

template <>
struct peal::codec_of<legacy> {
  static void encode(const legacy& e, peal::byte_buffer& out) { out.push_back(static_cast<std::byte>(e.n)); }
  static void decode(std::span<const std::byte> in, const peal::decode_limits&, legacy& e) {
    if (in.size() != 1) throw peal::decode_error("test.legacy", {}, 0, "one byte, please");
    e.n = std::to_integer<int>(in[0]);
  }
};

TEST_CASE("codec: an event with a codec of its own is encoded by it", "[codec]") {
  static_assert(peal::encodable<legacy>);
  peal::byte_buffer out;
  peal::encode(legacy{42}, out);
  CHECK(out == bytes_of(42));
  CHECK(peal::decode<legacy>(out).n == 42);
  CHECK(peal::stored_schema<legacy>().empty());
}
