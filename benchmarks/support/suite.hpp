// SPDX-License-Identifier: MIT
// The suite: tables of cases to measure, and the targets that the figures are held against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// How long a run may take: each case is run once a round, the rounds interleaved, and the median counts.
struct effort {
  bool quick = false;
  unsigned rounds = 7;
  double seconds = 0.05;  ///< that one run of a rate or a cost is made to last
};

enum class unit {
  millions_per_second,  ///< more is better
  nanoseconds,          ///< less is better, as below
  microseconds,
  milliseconds,
  instructions,
  as_said,  ///< the column's name says it
};

/// Low, median and high of the rounds.
struct figure {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// One table of the report: a topology, or an axis along which something grows.
/// The row `peal` is what ratios compare with.
class table {
 public:
  /// Seconds that `n` operations took. Errors: wrong_result when they did not do what they should.
  using timed = std::function<double(std::uint64_t n)>;
  /// One value for each of its columns.
  using measured = std::function<std::vector<double>(const effort&)>;

  struct one_case {
    std::string row;
    std::vector<std::string> columns;
    measured run;
    bool once = false;                        ///< not in every round: it is slow, or steady
    std::vector<std::vector<double>> seen{};  ///< a vector a column
    std::string problem{};
  };

  table(std::string name, std::string question, unit of)
      : name_{std::move(name)}, question_{std::move(question)}, unit_{of} {}

  /// Says what a row does not promise.
  void describe(const std::string& row, const std::string& lacks) { lacks_[row] = lacks; }

  /// A case whose length is found by trying; its figure is millions of operations a second, or nanoseconds each.
  void time(const std::string& row, const std::string& column, timed run);
  /// A case that measures for itself.
  void measure(const std::string& row, std::vector<std::string> columns, measured run);
  /// The same, in the first round alone.
  void measure_once(const std::string& row, std::vector<std::string> columns, measured run);
  /// A figure that another program has measured.
  void enter(const std::string& row, const std::string& column, double value);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& question() const { return question_; }
  [[nodiscard]] unit measured_in() const { return unit_; }
  [[nodiscard]] std::list<one_case>& cases() { return cases_; }
  [[nodiscard]] const std::list<one_case>& cases() const { return cases_; }
  [[nodiscard]] std::vector<std::string> rows() const;
  [[nodiscard]] std::vector<std::string> columns() const;
  [[nodiscard]] std::string lacks(const std::string& row) const;
  [[nodiscard]] std::optional<figure> at(const std::string& row, const std::string& column) const;
  /// How many times better `peal` is than the row; nothing for peal itself and where either is missing.
  [[nodiscard]] std::optional<double> ratio(const std::string& row, const std::string& column) const;

 private:
  std::string name_;
  std::string question_;
  unit unit_;
  std::list<one_case> cases_;  // cases are registered by address
  std::map<std::string, std::string> lacks_;
};

struct judged {
  std::string measured;
  bool met = false;
};

struct target {
  std::string name;
  std::string goal;
  std::function<std::optional<judged>()> judge;  ///< nothing: it was not measured
};

/// Everything that is measured. Tables appear in the report in the order in which they were added.
class suite {
 public:
  explicit suite(const effort& e) : effort_{e} {}

  table& add(std::string name, std::string question, unit of);
  void require(std::string name, std::string goal, std::function<std::optional<judged>()> judge);

  /// peal's row at least `factor` times the best of `rivals` that are there.
  void require_times(const std::string& name, const table& of, const std::string& column,
                     const std::vector<std::string>& rivals, double factor, const std::string& row = "peal");
  /// A cell at most `limit`, in the table's unit.
  void require_at_most(const std::string& name, const table& of, const std::string& row, const std::string& column,
                       double limit);

  [[nodiscard]] const effort& how() const { return effort_; }
  [[nodiscard]] std::list<table>& tables() { return tables_; }
  [[nodiscard]] const std::list<table>& tables() const { return tables_; }
  [[nodiscard]] const std::vector<target>& targets() const { return targets_; }

  /// Registers each case with Google Benchmark.
  void enlist();
  /// Runs the cases of one table, round after round.
  void run(table& t) const;

 private:
  effort effort_;
  std::list<table> tables_;
  std::vector<target> targets_;
};

/// The median; 0 of nothing. At a rank between 0 and 1, the value there.
double median_of(std::vector<double> values);
double at_rank(std::vector<double>& values, double rank);

/// A number as a person would write it: three digits that count.
std::string said(double value);
std::string said(double value, unit of);

}  // namespace bench
