// SPDX-License-Identifier: MIT
// order_flow: a shop on one peal bus. See `order_flow --help`, shop.hpp for the wiring, services/ for the services.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <peal/version.hpp>

#include "open_store.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "retail_rows.hpp"
#include "run.hpp"
#include "signals.hpp"

namespace {

using namespace order_flow;

void print(std::FILE* to, const std::string& text) { std::fwrite(text.data(), 1, text.size(), to); }

std::string version_text() {
  return "order_flow of peal " + std::to_string(peal::version_major) + "." + std::to_string(peal::version_minor) + "." +
         std::to_string(peal::version_patch) + "\n";
}

void print_unparsed(const std::string& path, const std::vector<unparsed_line>& lines) {
  constexpr std::size_t most = 1000;
  for (std::size_t i = 0; i < std::min(most, lines.size()); ++i) {
    print(stderr, path + ":" + std::to_string(lines[i].line) + ": left out: " + lines[i].reason + "\n");
  }
  if (lines.size() > most) print(stderr, path + ": " + std::to_string(lines.size() - most) + " more lines left out\n");
}

class terminal final : public onlooker {
 public:
  explicit terminal(const options& chosen) : options_(chosen) {}

  void input_read(const retail_rows& rows, std::uint64_t orders_in_all) override {
    if (options_.input) print_unparsed(*options_.input, rows.unparsed);
    orders_in_all_ = orders_in_all;
  }

  bool go_on(std::uint64_t orders_taken) override {
    bar_.show(orders_taken, orders_in_all_);
    return !interrupted();
  }

 private:
  const options& options_;
  progress_bar bar_;
  std::uint64_t orders_in_all_ = 0;
};

run_report run_watched(const options& chosen) {
  terminal watcher{chosen};
  if (!chosen.store) return run_shop(chosen, watcher);
  const auto store = open_store(chosen);
  return run_shop_on(*store.kept, *store.entries, chosen, watcher);
}

int run(const options& chosen) {
  listen_to_signals();
  const auto report = run_watched(chosen);
  print(stdout, chosen.json ? report_json(report) + "\n" : report_text(report));
  const bool balanced = complaints(report).empty();
  if (chosen.json && !balanced) print(stderr, complaints_text(report));
  return balanced ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto chosen = parse_options({argv + 1, argv + argc});
    if (chosen.help) return print(stdout, std::string{usage}), 0;
    if (chosen.version) return print(stdout, version_text()), 0;
    return run(chosen);
  } catch (const usage_error& error) {
    print(stderr, std::string{"order_flow: "} + error.what() + "; see order_flow --help\n");
  } catch (const std::exception& error) {  // of the input, or of the store
    print(stderr, std::string{"order_flow: "} + error.what() + "\n");
  }
  return 2;
}
