// SPDX-License-Identifier: MIT
// The main of every test binary: --seed and --scale, no green run without a test, and the list of tests for ctest.
#if !__has_include(<catch2/catch_test_macros.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "support/catch.hpp"

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_session.hpp>
#include <catch2/catch_test_case_info.hpp>
#include <catch2/interfaces/catch_interfaces_registry_hub.hpp>
#include <catch2/interfaces/catch_interfaces_testcase.hpp>
#endif

#include "support/stress_options.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

std::uint64_t run_seed = 0;
bool run_seed_given = false;
double run_scale = 1;
std::string list_file;

/// Takes our own options out of the arguments; returns what is left for Catch2.
std::vector<const char*> take_options(int argc, char** argv) {
  run_seed = std::random_device{}() | 1u;
  if (const char* given = std::getenv("PEAL_SEED")) {
    run_seed = std::strtoull(given, nullptr, 10);
    run_seed_given = true;
  }
  if (const char* given = std::getenv("PEAL_SCALE")) run_scale = std::strtod(given, nullptr);
  std::vector<const char*> rest;
  for (int i = 0; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (has_value && std::strcmp(argv[i], "--seed") == 0) {
      run_seed = std::strtoull(argv[++i], nullptr, 10);
      run_seed_given = true;
    } else if (has_value && std::strcmp(argv[i], "--scale") == 0) {
      run_scale = std::strtod(argv[++i], nullptr);
    } else if (has_value && std::strcmp(argv[i], "--list-for-ctest") == 0) {
      list_file = argv[++i];
    } else {
      rest.push_back(argv[i]);
    }
  }
  return rest;
}

/// A test's name as Catch2's command line wants it: its special characters are escaped.
std::string as_argument(const std::string& name) {
  std::string result;
  for (const char c : name) {
    if (std::strchr("\\,[]\"*~", c) != nullptr) result += '\\';
    result += c;
  }
  return result;
}

/// Promise numbers such as P7 among the tags become ctest labels.
std::string promises(const Catch::TestCaseInfo& test) {
  std::string result;
  for (const auto& tag : test.tags) {
#if __has_include(<catch2/catch_test_macros.hpp>)
    const std::string text(tag.original.data(), tag.original.size());
#else
    const std::string& text = tag;
#endif
    const bool number =
        text.size() > 1 && std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (number && (text[0] == 'P' || text[0] == 'p')) result += ";P" + text.substr(1);
  }
  return result;
}

/// Writes one line a test: name, argument and labels, as a call of the function that cmake/discover_tests.cmake defines.
int list_for_ctest() {
  std::FILE* out = std::fopen(list_file.c_str(), "w");
  if (out == nullptr) return 1;
  std::set<std::string> seen;
  for (const auto& test : Catch::getRegistryHub().getTestCaseRegistry().getAllTests()) {
#if __has_include(<catch2/catch_test_macros.hpp>)
    const Catch::TestCaseInfo& info = test.getTestCaseInfo();
#else
    const Catch::TestCaseInfo& info = test;
#endif
    if (info.isHidden() || !seen.insert(info.name).second) continue;
    std::fprintf(out, "peal_test([==[%s]==] [==[%s]==] \"%s\")\n", info.name.c_str(), as_argument(info.name).c_str(),
                 promises(info).c_str());
  }
  return std::fclose(out) == 0 ? 0 : 1;
}

}  // namespace

std::uint64_t peal_test::seed() noexcept { return run_seed; }
bool peal_test::seed_given() noexcept { return run_seed_given; }

double peal_test::scale() noexcept { return run_scale; }

std::uint64_t peal_test::scaled(std::uint64_t count) noexcept {
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(count) * run_scale));
}

int main(int argc, char** argv) {
  const std::vector<const char*> arguments = take_options(argc, argv);
  Catch::Session session;
  const int refused = session.applyCommandLine(static_cast<int>(arguments.size()), arguments.data());
  if (refused != 0) return refused;
  if (!list_file.empty()) return list_for_ctest();
#if !__has_include(<catch2/catch_test_macros.hpp>)
  auto& warnings = session.configData().warnings;  // v2 is green when no test matches; v3 is not
  warnings = static_cast<Catch::WarnAbout::What>(warnings | Catch::WarnAbout::NoTests);
#endif
  std::printf("seed %llu, scale %g\n", static_cast<unsigned long long>(run_seed), run_scale);
  std::fflush(stdout);
  return session.run();
}
