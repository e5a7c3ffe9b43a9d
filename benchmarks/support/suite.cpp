// SPDX-License-Identifier: MIT
#include "support/suite.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include <unistd.h>

namespace bench {
namespace {

template <class T>
void add_new(std::vector<T>& list, const T& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

/// Finds how many operations last as long as wanted, once for each case.
class calibrated {
 public:
  calibrated(table::timed run, unit of) : run_{std::move(run)}, unit_{of} {}

  double operator()(const effort& e) {
    if (count_ == 0) calibrate(e.seconds);
    const double seconds = run_(count_);
    const double each = seconds / static_cast<double>(count_);
    switch (unit_) {
      case unit::millions_per_second: return 1e-6 / each;
      case unit::microseconds: return each * 1e6;
      case unit::milliseconds: return each * 1e3;
      default: return each * 1e9;
    }
  }

 private:
  void calibrate(double wanted) {
    std::uint64_t n = 1'000;
    double seconds = run_(n);
    while (seconds < wanted / 8 && n < (std::uint64_t{1} << 40U)) seconds = run_(n *= 4);
    const double scaled = static_cast<double>(n) * wanted / seconds;
    count_ = std::max<std::uint64_t>(1'000, static_cast<std::uint64_t>(scaled));
  }

  table::timed run_;
  unit unit_;
  std::uint64_t count_ = 0;
};

/// Keeps nothing: the cases write into their tables themselves.
class quiet : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

/// A run that hangs ends the program and names itself: an event was lost.
class watchdog {
 public:
  explicit watchdog(const std::string& name) {
    (void)std::snprintf(text_, sizeof text_, "\nHANGS: %s\n", name.c_str());
    (void)std::signal(SIGALRM, [](int) {
      (void)!::write(STDERR_FILENO, text_, std::strlen(text_));
      ::_exit(1);
    });
    (void)::alarm(limit_seconds);
  }
  ~watchdog() { (void)::alarm(0); }
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

 private:
  static constexpr unsigned limit_seconds = 120;
  static inline char text_[256];
};

void run_case(const std::string& name, table::one_case& c, const effort& e, benchmark::State& state) {
  for (auto _ : state) {
    try {
      const watchdog watching{name};
      const std::vector<double> values = c.run(e);
      c.seen.resize(c.columns.size());
      for (std::size_t i = 0; i < values.size() && i < c.seen.size(); ++i) c.seen[i].push_back(values[i]);
    } catch (const std::exception& error) {
      c.problem = error.what();
      state.SkipWithError(error.what());
      break;
    }
    state.SetIterationTime(1);
  }
}

}  // namespace

void table::time(const std::string& row, const std::string& column, timed run) {
  measure(row, {column},
          [each = calibrated{std::move(run), unit_}](const effort& e) mutable { return std::vector<double>{each(e)}; });
}

void table::measure(const std::string& row, std::vector<std::string> columns, measured run) {
  cases_.push_back({row, std::move(columns), std::move(run)});
}
void table::measure_once(const std::string& row, std::vector<std::string> columns, measured run) {
  cases_.push_back({row, std::move(columns), std::move(run), true});
}
void table::enter(const std::string& row, const std::string& column, double value) {
  measure_once(row, {column}, [value](const effort&) { return std::vector<double>{value}; });
}

std::vector<std::string> table::rows() const {
  std::vector<std::string> rows;
  for (const one_case& c : cases_) add_new(rows, c.row);
  return rows;
}
std::vector<std::string> table::columns() const {
  std::vector<std::string> columns;
  for (const one_case& c : cases_) {
    for (const std::string& column : c.columns) add_new(columns, column);
  }
  return columns;
}
std::string table::lacks(const std::string& row) const {
  const auto found = lacks_.find(row);
  return found != lacks_.end() ? found->second : "";
}

std::optional<figure> table::at(const std::string& row, const std::string& column) const {
  for (const one_case& c : cases_) {
    const auto found = std::find(c.columns.begin(), c.columns.end(), column);
    if (c.row != row || found == c.columns.end() || c.seen.empty() || !c.problem.empty()) continue;
    const std::vector<double>& seen = c.seen[static_cast<std::size_t>(found - c.columns.begin())];
    if (seen.empty()) continue;
    const auto [low, high] = std::minmax_element(seen.begin(), seen.end());
    return figure{median_of(seen), *low, *high};
  }
  return std::nullopt;
}

std::optional<double> table::ratio(const std::string& row, const std::string& column) const {
  const auto ours = at("peal", column);
  const auto theirs = at(row, column);
  if (row == "peal" || unit_ == unit::as_said || !ours || !theirs || ours->median <= 0 || theirs->median <= 0) {
    return std::nullopt;
  }
  return unit_ == unit::millions_per_second ? ours->median / theirs->median : theirs->median / ours->median;
}

table& suite::add(std::string name, std::string question, unit of) {
  return tables_.emplace_back(std::move(name), std::move(question), of);
}

void suite::require(std::string name, std::string goal, std::function<std::optional<judged>()> judge) {
  targets_.push_back({std::move(name), std::move(goal), std::move(judge)});
}

void suite::require_times(const std::string& name, const table& of, const std::string& column,
                          const std::vector<std::string>& rivals, double factor, const std::string& row) {
  require(name, "at least " + said(factor) + "x", [=, &of]() -> std::optional<judged> {
    const bool more = of.measured_in() == unit::millions_per_second;
    const auto ours = of.at(row, column);
    std::optional<double> best;
    std::string whose;
    for (const std::string& rival : rivals) {
      const auto theirs = of.at(rival, column);
      if (!theirs || (best && (more ? theirs->median <= *best : theirs->median >= *best))) continue;
      best = theirs->median;
      whose = rival;
    }
    if (!ours || !best) return std::nullopt;
    const double times = more ? ours->median / *best : *best / ours->median;
    return judged{said(times) + "x " + whose, times >= factor};
  });
}

void suite::require_at_most(const std::string& name, const table& of, const std::string& row, const std::string& column,
                            double limit) {
  require(name, "at most " + said(limit, of.measured_in()), [=, &of]() -> std::optional<judged> {
    const auto found = of.at(row, column);
    if (!found) return std::nullopt;
    return judged{said(found->median, of.measured_in()), found->median <= limit};
  });
}

void suite::enlist() {
  for (table& t : tables_) {
    for (table::one_case& c : t.cases()) {
      const std::string name = t.name() + (c.once ? "/once/" : "/each/") + c.row + "/" + c.columns.front();
      benchmark::RegisterBenchmark(name.c_str(),
                                   [&c, name, this](benchmark::State& state) { run_case(name, c, effort_, state); })
          ->Iterations(1)
          ->UseManualTime();
    }
  }
}

void suite::run(table& t) const {
  quiet reporter;
  const auto any = [&](bool once) {
    return std::any_of(t.cases().begin(), t.cases().end(), [&](const auto& c) { return c.once == once; });
  };
  if (any(true)) benchmark::RunSpecifiedBenchmarks(&reporter, "^" + t.name() + "/once/");
  for (unsigned round = 0; round < effort_.rounds && any(false); ++round) {
    benchmark::RunSpecifiedBenchmarks(&reporter, "^" + t.name() + "/each/");
  }
}

double at_rank(std::vector<double>& values, double rank) {
  if (values.empty()) return 0;
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::lround(last * rank));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}
double median_of(std::vector<double> values) { return at_rank(values, 0.5); }

std::string said(double value) {
  char text[32];
  const double size = std::fabs(value);
  const int decimals = size >= 99.95 || value == 0 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  (void)std::snprintf(text, sizeof text, "%.*f", decimals, value);
  std::string s = text;
  if (s.find('.') == std::string::npos) return s;
  s.erase(s.find_last_not_of('0') + 1);
  if (s.back() == '.') s.pop_back();
  return s;
}

std::string said(double value, unit of) {
  switch (of) {
    case unit::millions_per_second: return said(value) + " M/s";
    case unit::nanoseconds: return said(value) + " ns";
    case unit::microseconds: return said(value) + " us";
    case unit::milliseconds: return said(value) + " ms";
    case unit::instructions: return said(value) + " instructions";
    case unit::as_said: break;
  }
  return said(value);
}

}  // namespace bench
