// SPDX-License-Identifier: MIT
// A folder for one case's files, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "support/suite.hpp"

namespace bench {

class folder {
 public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "peal_bench.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw wrong_result("cannot make a folder " + name);
    path_ = name;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file() const { return (path_ / "store").string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace bench
