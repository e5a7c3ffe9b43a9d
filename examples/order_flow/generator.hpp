// SPDX-License-Identifier: MIT
// Makes a file like those that real shops export, dirt included, from a seed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "random.hpp"

namespace order_flow {

/// Texts of retail files with a given number of orders; about one in seven of them is dirty. The next file goes on
/// where the last one ended. They are texts so that made orders go the same way as those of a real file.
class retail_generator {
 public:
  explicit retail_generator(std::uint64_t seed) : random_(seed) {}

  std::string make(std::uint64_t orders) {
    text_ = "InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID,Country\r\n";
    late_.clear();
    for (std::uint64_t i = 0; i < orders; ++i) add_order(++last_invoice_);
    text_ += late_;
    return std::move(text_);
  }

 private:
  enum class dirt { none, no_customer, one_line_without_customer, no_price, wrong_way };

  static std::string_view country(std::uint64_t chance) {
    constexpr std::array<std::string_view, 12> abroad{"Germany", "France",      "EIRE",    "Netherlands",
                                                      "Spain",   "Switzerland", "Belgium", "Portugal",
                                                      "Norway",  "Japan",       "Italy",   "Channel Islands"};
    return chance < 90 ? "United Kingdom" : abroad[chance % abroad.size()];
  }

  std::string product(std::uint64_t stock_code) {
    constexpr std::array<std::string_view, 6> kinds{"TEA POT",        "\"BIRD BATH, STONE\"",        "CANDLE HOLDER",
                                                    "LUNCH BOX BLUE", "\"PICTURE FRAME 9\"\" OAK\"", "GARDEN TWINE"};
    return std::to_string(20'000 + stock_code) + "," + std::string{kinds[stock_code % kinds.size()]};
  }

  dirt choose_dirt() {
    const auto chance = random_.below(1000);
    if (chance < 80) return dirt::no_customer;
    if (chance < 100) return dirt::one_line_without_customer;
    if (chance < 120) return dirt::no_price;
    if (chance < 140) return dirt::wrong_way;
    return dirt::none;
  }

  void add_order(std::uint64_t number) {
    const bool cancellation = random_.chance(0.16);
    const auto how = choose_dirt();
    const auto invoice = (cancellation ? "C" : "") + std::to_string(number);
    const auto customer = std::to_string(12'000 + random_.below(4'000));
    const auto where = country(random_.below(100));
    const auto lines = 1 + random_.below(cancellation ? 3 : 8);
    const auto dirty = random_.below(lines);

    for (std::uint64_t i = 0; i < lines; ++i) {
      const bool this_one = i == dirty;
      const bool nobody = how == dirt::no_customer || (how == dirt::one_line_without_customer && this_one);
      const bool back = cancellation != (how == dirt::wrong_way && this_one);
      const auto cents = how == dirt::no_price && this_one ? 0 : 19 + random_.below(2'000);
      auto line = invoice + "," + product(random_.below(3'000)) + (back ? ",-" : ",") +
                  std::to_string(1 + random_.below(48)) + "," + price(cents) + "," + (nobody ? "" : customer) + "," +
                  std::string{where} + "\r\n";
      if (random_.chance(0.01)) line += line;
      if (i > 0 && random_.chance(0.02)) {
        late_ += line;  // stands far from the other lines of its order
      } else {
        text_ += line;
      }
      if (random_.chance(0.004)) text_ += nonsense(invoice);
    }
  }

  std::string price(std::uint64_t cents) {
    const auto rest = std::to_string(cents % 100);
    const std::string half = cents > 0 && random_.chance(0.01) ? "5" : "";  // a third decimal, to be rounded up
    return std::to_string(cents / 100) + (rest.size() == 1 ? ".0" : ".") + rest + half;
  }

  std::string nonsense(const std::string& invoice) {
    switch (random_.below(5)) {
      case 0: return ",20001,GARDEN TWINE,1,0.85,12345,France\r\n";
      case 1: return invoice + ",20001,GARDEN TWINE,some,0.85,12345,France\r\n";
      case 2: return invoice + ",20001,GARDEN TWINE,1,,12345,France\r\n";
      case 3: return invoice + ",20001,GARDEN TWINE\r\n";
      default: return invoice + ",20001,\"GARDEN TWINE,1,0.85,12345,France\r\n";  // the quote is never closed
    }
  }

  random_numbers random_;
  std::uint64_t last_invoice_ = 536'000;
  std::string text_;
  std::string late_;
};

}  // namespace order_flow
