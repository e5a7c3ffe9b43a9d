// SPDX-License-Identifier: MIT
// The example's numbers: what is one, and how it becomes cents.
#include "../../examples/order_flow/decimal.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

#include "support/catch.hpp"

namespace {

using order_flow::decimal;

std::optional<std::int64_t> cents(std::string_view text) {
  const auto number = decimal::parse(text);
  return number ? number->cents() : std::nullopt;
}

std::optional<std::int64_t> whole(std::string_view text) {
  const auto number = decimal::parse(text);
  return number ? number->whole() : std::nullopt;
}

}  // namespace

TEST_CASE("decimal: cents are the written number times 100, exactly, halves up", "[examples][decimal]") {
  CHECK(cents("2.55") == 255);
  CHECK(cents("2.1") == 210);
  CHECK(cents("6") == 600);
  CHECK(cents("0") == 0);
  CHECK(cents("-0.00") == 0);
  CHECK(cents("0.001") == 0);
  CHECK(cents("0.004999999999999999999999999") == 0);
  CHECK(cents("0.005") == 1);
  CHECK(cents("2.555") == 256);
  CHECK(cents("1.005") == 101);  // a double would make 100 of it
  CHECK(cents("8.2950000000000000001") == 830);
  CHECK(cents("0.29") == 29);
  CHECK(cents("-11062.06") == -1106206);
  CHECK(cents("-2.555") == -255);
  CHECK(cents("-2.5550001") == -256);
  CHECK(cents("-0.005") == 0);
  CHECK(cents("-0.015") == -1);
  CHECK(cents("649.5") == 64950);
}

TEST_CASE("decimal: blanks around, a sign, a bare point and an exponent are part of a number", "[examples][decimal]") {
  CHECK(whole(" 6 ") == 6);
  CHECK(whole("\t6") == 6);
  CHECK(whole("+6") == 6);
  CHECK(whole("-6") == -6);
  CHECK(whole("006") == 6);
  CHECK(whole("6.0") == 6);
  CHECK(whole("6.") == 6);
  CHECK(whole("1e3") == 1000);
  CHECK(whole("1.5E+2") == 150);
  CHECK(whole("1500e-2") == 15);
  CHECK(cents(".5") == 50);
  CHECK(cents("-.5") == -50);
  CHECK(cents("1e-2") == 1);
  CHECK(cents("1e-3") == 0);
  CHECK(cents("5e-3") == 1);
  CHECK(cents("0e99999999999999999999") == 0);
}

TEST_CASE("decimal: anything else is no number", "[examples][decimal]") {
  for (const auto* text : {"",
                           " ",
                           ".",
                           "+",
                           "-",
                           "--6",
                           "+-6",
                           "6-",
                           "abc",
                           "nan",
                           "inf",
                           "0x6",
                           "1,5",
                           "1 000",
                           "12 pcs",
                           "6..0",
                           "e3",
                           "1e",
                           "1e+",
                           "1e1.5",
                           "\xC2\xA3"
                           "2",
                           "1_000"}) {
    CAPTURE(text);
    CHECK_FALSE(decimal::parse(text));
  }
}

TEST_CASE("decimal: a fraction is no whole number", "[examples][decimal]") {
  CHECK_FALSE(whole("6.5"));
  CHECK_FALSE(whole("0.0001"));
  CHECK_FALSE(whole("1e-1"));
  CHECK(whole("0.000") == 0);
}

TEST_CASE("decimal: what does not fit 64 bits is refused, not wrapped", "[examples][decimal]") {
  CHECK(whole("9223372036854775807") == 9223372036854775807);
  CHECK(whole("-9223372036854775807") == -9223372036854775807);
  CHECK_FALSE(whole("9223372036854775808"));
  CHECK_FALSE(whole("99999999999999999999999"));
  CHECK_FALSE(whole("1e19"));
  CHECK_FALSE(whole("1e99999999999999999999"));
  CHECK_FALSE(cents("92233720368547758.08"));
  CHECK_FALSE(cents("92233720368547758.075"));
  CHECK(cents("92233720368547758.06") == 9223372036854775806);
  CHECK(cents("1e-99999999999999999999") == 0);
}

TEST_CASE("decimal: a price above zero is one even where it makes no cent", "[examples][decimal]") {
  CHECK(decimal::parse("0.001")->positive());
  CHECK_FALSE(decimal::parse("0.000")->positive());
  CHECK_FALSE(decimal::parse("-0.001")->positive());
}
