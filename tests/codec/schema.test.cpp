// SPDX-License-Identifier: MIT
// Schemas, fingerprints, older versions, contracts and JSON.
#include "codec/codec_events.hpp"

#include <peal/codec/contract.hpp>
#include <peal/codec/json.hpp>

#include <cmath>

#include "support/catch.hpp"

namespace {

using namespace codec_test;

struct order_v1 {
  std::string id;
  std::int32_t cents{};
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order_v1::id}, peal::field{"cents", &order_v1::cents});
};
struct order_v2 {
  std::string id;
  std::int64_t cents{};
  using previous = order_v1;
  static order_v2 upcast(order_v1&& old) { return {std::move(old.id), old.cents}; }
  static constexpr peal::event_name name{"shop.order", 2};
  static constexpr auto fields = peal::fields(peal::field{"id", &order_v2::id}, peal::field{"cents", &order_v2::cents});
};
struct order {
  std::string id;
  std::int64_t cents{};
  std::string currency;
  static constexpr peal::event_name name{"shop.order", 3};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"cents", &order::cents},
                                              peal::field{"currency", &order::currency});
};
struct young {
  std::string id;
  static constexpr peal::event_name name{"shop.young", 4};
  static constexpr std::uint32_t oldest_version = 4;
  static constexpr auto fields = peal::fields(peal::field{"id", &young::id});
};

}  // namespace

template <>
struct peal::previous_of<order> {
  using type = order_v2;
  static order upcast(order_v2&& old) { return {std::move(old.id), old.cents, "EUR"}; }
};

namespace {

constexpr peal::contract_entry golden[] = {
    {"shop.order", 1, peal::fingerprint<order_v1>(), ""},
    {"shop.order", 2, peal::fingerprint<order_v2>(), ""},
    {"shop.order", 3, peal::fingerprint<order>(), ""},
    {"shop.young", 4, peal::fingerprint<young>(), ""},
};
static_assert(peal::keeps_contract<golden, order, young>());

// Known numbers: another compiler, or a change of how a schema is written, would make stored fingerprints worthless.
static_assert(peal::fingerprint<order_v1>() == 0x8842'd2f7'addf'50e8);
static_assert(peal::fingerprint<order_v1>() != peal::fingerprint<order_v2>());

template <class E>
peal::byte_buffer encoded(const E& e) {
  peal::byte_buffer out;
  peal::encode(e, out);
  return out;
}

}  // namespace

TEST_CASE("schema: it says names, order and types", "[codec]") {
  CHECK(peal::schema_of<order_v1>() == "{id:str,cents:i32}");
  CHECK(
      peal::schema_of<everything>() ==
      "{yes:bool,i8:i8,i16:i16,i32:i32,i64:i64,u8:u8,u16:u16,u32:u32,u64:u64,f32:f32,f64:f64,paint:enum u8,text:str,"
      "bytes:bytes,lines:[{sku:str,quantity:u32}],flags:[bool],three:[i16;3],note:str?,by_name:map<str,i64>,"
      "by_number:map<u32,{sku:str,quantity:u32}>,length:duration 1/1000,moment:time 1/1000000,id:{high:u64,low:u64}}");
}

TEST_CASE("upcast: an event stored as any of its versions is read as the newest", "[codec]") {
  const auto read = [](std::uint32_t version, const peal::byte_buffer& bytes) {
    return peal::decode_version<order>(version, bytes);
  };
  const order from_1 = read(1, encoded(order_v1{"o-1", 5}));
  CHECK((from_1.id == "o-1" && from_1.cents == 5 && from_1.currency == "EUR"));
  const order from_2 = read(2, encoded(order_v2{"o-2", 1LL << 40}));
  CHECK((from_2.id == "o-2" && from_2.cents == 1LL << 40 && from_2.currency == "EUR"));
  const order from_3 = read(3, encoded(order{"o-3", 7, "USD"}));
  CHECK(from_3.currency == "USD");
  CHECK(peal::oldest_readable<order>() == 1);
  CHECK(peal::oldest_readable<young>() == 4);
}

TEST_CASE("upcast: a version that nobody knows is refused by its number", "[codec]") {
  const peal::byte_buffer bytes = encoded(order{"o", 1, "EUR"});
  CHECK_THROWS_WITH(peal::decode_version<order>(4, bytes),
                    peal_test::contains_text("it is of version 4, this program knows none above 3"));
  CHECK_THROWS_WITH(peal::decode_version<young>(3, bytes),
                    peal_test::contains_text("it is of version 3, this program knows none below 4"));
}

TEST_CASE("contract: its text has a line for each version, the oldest first", "[codec]") {
  CHECK(peal::contract_text<order_v2, young>() ==
        "{\"shop.order\", 1, 0x8842d2f7addf50e8, \"{id:str,cents:i32}\"},\n"
        "{\"shop.order\", 2, 0x5cdf09f795460801, \"{id:str,cents:i64}\"},\n"
        "{\"shop.young\", 4, 0x30546c244a5db369, \"{id:str}\"},\n");
}

TEST_CASE("json: names come from the schema, and text stays text", "[codec]") {
  everything e;
  e.text = "a\"\\\n\x01\xc3\xa4\xff\xed\xa0\x80\xf0\x9f\x94\x94";
  e.bytes = {std::byte{0}, std::byte{0xff}, std::byte{0x10}, std::byte{0x83}};
  e.lines = {{"sku", 2}};
  e.by_name = {{"k", -1}};
  e.by_number = {{7, {"s", 1}}};
  e.u64 = 18'446'744'073'709'551'615U;
  e.f32 = 0.1F;
  e.f64 = 0.1;
  CHECK(peal::to_json(e) ==
        R"({"yes":false,"i8":0,"i16":0,"i32":0,"i64":0,"u8":0,"u16":0,"u32":0,"u64":18446744073709551615,"f32":0.1,)"
        R"("f64":0.1,"paint":1,"text":"a\"\\\n\u0001ä\ufffd\ufffd\ufffd\ufffd🔔","bytes":"AP8Qgw==",)"
        R"("lines":[{"sku":"sku","quantity":2}],"flags":[],"three":[0,0,0],"note":null,"by_name":{"k":-1},)"
        R"("by_number":[[7,{"sku":"s","quantity":1}]],"length":0,"moment":0,"id":{"high":0,"low":0}})");
}

TEST_CASE("json: without a schema an event is a list of its fields", "[codec]") {
  CHECK(peal::json_from_wire(encoded(order{"o-1", 5, "EUR"})) == R"(["o-1",5,"EUR"])");
}

TEST_CASE("json: numbers that JSON does not have are words", "[codec]") {
  everything e;
  e.f64 = std::nan("");
  e.f32 = -INFINITY;
  const std::string text = peal::to_json(e);
  CHECK_THAT(text, peal_test::contains_text(R"("f32":"-inf","f64":"nan")"));
}

TEST_CASE("json: bytes that are not what the schema says are refused", "[codec]") {
  const peal::byte_buffer bytes = encoded(order{"o", 1, "EUR"});
  CHECK_THROWS_WITH(peal::json_from_wire(bytes, "{id:str,cents:i64}"),
                    peal_test::contains_text("another number of fields than the schema says"));
  CHECK_THROWS_WITH(peal::json_from_wire(bytes, "{id:i32,cents:i64,currency:str}"),
                    peal_test::contains_text("not what the schema says, at byte 1"));
}

TEST_CASE("schema: what is read back is what was written, and other texts are refused where they go wrong", "[codec]") {
  const std::string whole = peal::schema_of<everything>();
  const peal::schema_node tree = peal::parse_schema(whole);
  CHECK(tree.inside.size() == 23);
  CHECK(tree.inside[16].fixed == 3);
  CHECK(tree.inside[17].optional);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    REQUIRE_THROWS_AS(peal::parse_schema(std::string_view{whole}.substr(0, n)), peal::bad_schema);
  }
  CHECK_THROWS_WITH(peal::parse_schema("{id:str,n:i7}"), peal_test::contains_text("from character 12 on"));
  CHECK_THROWS_AS(peal::parse_schema(std::string(100'000, '[')), peal::bad_schema);
}
