// SPDX-License-Identifier: MIT
// The retail format: which columns count, what a line of it means, and which lines cannot be understood.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "csv_reader.hpp"
#include "decimal.hpp"

namespace order_flow {

/// One line of an order, as the file has it.
struct retail_row {
  std::size_t line = 0;
  std::string invoice;  ///< begins with C for a cancellation
  std::string stock_code;
  std::int64_t quantity = 0;
  std::int64_t unit_cents = 0;  ///< UnitPrice * 100, halves up
  bool priced = false;          ///< UnitPrice > 0; 0.001 is, though it makes no cent
  std::string customer;         ///< empty where the file has none
  std::string country;
};

struct unparsed_line {
  std::size_t line = 0;
  std::string reason;
};

struct retail_rows {
  std::vector<retail_row> rows;
  std::vector<unparsed_line> unparsed;
};

/// The input as a whole cannot be used: no such file, or a column is missing.
struct input_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class column : std::size_t { invoice_no, stock_code, description, quantity, unit_price, customer_id, country };

inline constexpr std::array<std::string_view, 7> column_names{"InvoiceNo", "StockCode",  "Description", "Quantity",
                                                              "UnitPrice", "CustomerID", "Country"};

/// A text of the input, made fit to stand in a message.
inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 40;
  std::string result{'"'};
  for (const char c : text.substr(0, longest)) result += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  return result + (text.size() > longest ? "...\"" : "\"");
}

inline void add_to_list(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

/// Finds the columns by name, wherever they stand.
class retail_columns {
 public:
  retail_columns(const std::vector<std::string>& header, const std::string& source) : width_(header.size()) {
    std::string missing;
    std::string doubled;
    for (std::size_t wanted = 0; wanted < column_names.size(); ++wanted) {
      std::size_t found = 0;
      for (std::size_t at = 0; at < header.size(); ++at) {
        if (trimmed(header[at]) != column_names[wanted]) continue;
        place_[wanted] = at;
        ++found;
      }
      if (found == 0) add_to_list(missing, column_names[wanted]);
      if (found > 1) add_to_list(doubled, column_names[wanted]);
    }
    if (missing.empty() && doubled.empty()) return;
    std::string columns;
    for (const auto& name : header) add_to_list(columns, in_quotes(name));
    throw input_error(source + (missing.empty() ? ": more than one column " + doubled : ": no column " + missing) +
                      "; found " + columns);
  }

  std::size_t width() const { return width_; }
  std::string& of(csv_record& record, column wanted) const {
    return record.fields[place_[static_cast<std::size_t>(wanted)]];
  }

 private:
  std::array<std::size_t, column_names.size()> place_{};
  std::size_t width_;
};

/// The row that a record means, or why it means none (then the text is not empty).
inline std::string parse_row(csv_record& record, const retail_columns& columns, retail_row& row) {
  // Nine thousand of the largest lines still add up within 64 bits.
  constexpr std::int64_t most = 1'000'000'000'000'000;
  const auto within = [](std::int64_t value) { return -most <= value && value <= most; };

  if (!record.trouble.empty()) return std::string{record.trouble};
  if (record.fields.size() != columns.width()) {
    return std::to_string(record.fields.size()) + " fields instead of " + std::to_string(columns.width());
  }
  row.invoice = trimmed(columns.of(record, column::invoice_no));
  if (row.invoice.empty()) return "no InvoiceNo";

  const auto& count_text = columns.of(record, column::quantity);
  const auto count = decimal::parse(count_text);
  if (!count) return "Quantity " + in_quotes(count_text) + " is no number";
  const auto pieces = count->whole();
  if (!pieces) return "Quantity " + in_quotes(count_text) + " is no whole number of pieces";

  const auto& price_text = columns.of(record, column::unit_price);
  const auto price = decimal::parse(price_text);
  if (!price) return "UnitPrice " + in_quotes(price_text) + " is no number";
  const auto cents = price->cents();
  std::int64_t amount = 0;
  if (!cents || !within(*pieces) || !within(*cents) || __builtin_mul_overflow(*pieces, *cents, &amount) ||
      !within(amount)) {
    return "Quantity " + in_quotes(count_text) + " times UnitPrice " + in_quotes(price_text) + " is too much";
  }
  row.line = record.line;
  row.stock_code = std::move(columns.of(record, column::stock_code));
  row.quantity = *pieces;
  row.unit_cents = *cents;
  row.priced = price->positive();
  row.customer = trimmed(columns.of(record, column::customer_id));
  row.country = std::move(columns.of(record, column::country));
  return {};
}

/// All rows of a text in the retail format; `source` names it in messages.
/// Errors: input_error for a missing header or column; a line that cannot be understood is put aside.
inline retail_rows parse_retail(std::string_view text, const std::string& source) {
  csv_reader reader{text};
  csv_record record;
  if (!reader.next(record)) throw input_error(source + ": empty, a first line with column names was expected");
  if (!record.trouble.empty()) {
    throw input_error(source + ": the line with column names has " + std::string{record.trouble});
  }
  const retail_columns columns{record.fields, source};

  retail_rows result;
  retail_row row;
  while (reader.next(record)) {
    if (auto reason = parse_row(record, columns, row); reason.empty()) {
      result.rows.push_back(std::move(row));
    } else {
      result.unparsed.push_back({record.line, std::move(reason)});
    }
  }
  return result;
}

inline std::string read_file(const std::string& path) {
  const auto failed = [&] { throw input_error(path + ": " + std::strerror(errno)); };
  struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, closer> file{std::fopen(path.c_str(), "rb")};
  if (!file) failed();
  std::string text;
  std::array<char, 65536> block;
  while (const auto count = std::fread(block.data(), 1, block.size(), file.get())) text.append(block.data(), count);
  if (std::ferror(file.get()) != 0) failed();
  return text;
}

inline retail_rows read_retail_file(const std::string& path) { return parse_retail(read_file(path), path); }

}  // namespace order_flow
