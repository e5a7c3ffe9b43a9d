// SPDX-License-Identifier: MIT
// JSON to events: what the library's own text gives, what people get wrong, and that the stored form is MessagePack.
#include "codec/codec_events.hpp"

#include <peal/adapters/json/json.hpp>
#include <peal/codec/json.hpp>

#include <random>
#include <string>

#include "support/catch.hpp"

namespace json_test {

using namespace codec_test;

struct legacy {
  std::string id;
  int n = 0;
  static constexpr peal::event_name name{"test.legacy", 1};
};
inline void to_json(nlohmann::json& j, const legacy& l) { j = {{"id", l.id}, {"n", l.n}}; }
inline void from_json(const nlohmann::json& j, legacy& l) {
  j.at("id").get_to(l.id);
  j.at("n").get_to(l.n);
}

struct bill {
  std::string id;
  std::uint8_t copies{};
  std::optional<std::string> note;
  std::vector<line> lines;
  static constexpr peal::event_name name{"test.bill", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &bill::id}, peal::field{"copies", &bill::copies},
                                              peal::field{"note", &bill::note}, peal::field{"lines", &bill::lines});
};

std::string refusal(std::string_view text) {
  try {
    (void)peal::json::from_json<bill>(text);
  } catch (const peal::decode_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace json_test

template <>
struct peal::codec_of<json_test::legacy> : peal::json::codec<json_test::legacy> {};

using namespace json_test;

TEST_CASE("json: an event's own JSON gives the event again", "[codec][json]") {
  std::mt19937_64 random{3};
  for (int i = 0; i < 200; ++i) {
    everything before = any_event(random);
    // JSON is text: what is no UTF-8 does not come back.
    before.text = "ä\x01\"";
    before.note.reset();
    before.by_name = {{"k", -5}};
    before.by_number = {{9, {"s", 1}}};
    for (line& l : before.lines) l.sku = "sku";
    REQUIRE(peal::json::from_json<everything>(peal::to_json(before)) == before);
  }
}

TEST_CASE("json: what does not fit is named with its field", "[codec][json]") {
  CHECK(refusal(R"({"id":"b","copies":256,"lines":[]})") ==
        "peal: JSON cannot be decoded: field copies: expected a number that fits, at byte 0");
  CHECK(refusal(R"({"id":"b","copies":-1,"lines":[]})") ==
        "peal: JSON cannot be decoded: field copies: expected a number that fits, at byte 0");
  CHECK(refusal(R"({"copies":1,"lines":[]})") == "peal: JSON cannot be decoded: field id: is missing, at byte 0");
  CHECK(refusal(R"({"id":"b","copies":1,"lines":[{"sku":"s","quantity":"x"}]})") ==
        "peal: JSON cannot be decoded: field lines[0].quantity: expected an integer, at byte 0");
  CHECK(refusal(R"({"id":"b","copies":1,"lines":[],"colour":1})") ==
        "peal: JSON cannot be decoded: field colour: is not a field, at byte 0");
  CHECK_THAT(refusal("{"), peal_test::contains_text("parse error"));
  CHECK(peal::json::from_json<bill>(R"({"lines":[],"copies":255,"id":"b"})").copies == 255);
}

TEST_CASE("json: the stored form is MessagePack as others read it", "[codec][json]") {
  everything e;
  e.text = "x";
  e.i64 = -70'000;
  e.by_name = {{"k", 5}};
  peal::byte_buffer bytes;
  peal::encode(e, bytes);
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto j = nlohmann::json::from_msgpack(first, first + bytes.size());
  CHECK(j.size() == 23);
  CHECK(j[4] == -70'000);
  CHECK(j[12] == "x");
  CHECK(j[18]["k"] == 5);
}

TEST_CASE("json: an event with to_json and from_json has a codec at once", "[codec][json]") {
  peal::byte_buffer bytes;
  peal::encode(legacy{"l-1", 7}, bytes);
  CHECK(peal::decode<legacy>(bytes).n == 7);
  CHECK(peal::json_from_wire(bytes) == R"({"id":"l-1","n":7})");
  const peal::byte_buffer deep(100'000, std::byte{0x91});
  CHECK_THROWS_WITH(peal::decode<legacy>(deep), peal_test::contains_text("deeper than max_depth allows"));
  bytes[0] = std::byte{0x91};
  CHECK_THROWS_AS(peal::decode<legacy>(bytes), peal::decode_error);
}
