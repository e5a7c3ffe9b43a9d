# SPDX-License-Identifier: MIT
# Events whose stored form is kept in a file of the repository: a field that changes while the version stays, or a version
# that nobody wrote down, does not compile.
#
#   peal_contract(<name> HEADER <events.hpp> FILE <events.contract> EVENTS <type>...)
#
# <name> checks, with everything that is built. After a change that is meant (a new version, a new event):
# `cmake --build <folder> --target <name>_accept` writes the file; look at its difference, and commit it.
# `<name>_text` is the program that prints what the file should be.
function(peal_contract name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;FILE" "EVENTS")
  cmake_path(ABSOLUTE_PATH arg_HEADER OUTPUT_VARIABLE header)
  cmake_path(ABSOLUTE_PATH arg_FILE OUTPUT_VARIABLE golden)
  list(JOIN arg_EVENTS ", " events)
  set(begin "// made by peal_contract(${name} …)\n#include <peal/codec/contract.hpp>\n#include \"${header}\"\n")
  file(CONFIGURE OUTPUT ${name}_check.cpp @ONLY CONTENT "@begin@\nnamespace {
constexpr peal::contract_entry golden[] = {
#include \"@golden@\"
};
// Where this fails and the change is meant: cmake --build @CMAKE_BINARY_DIR@ --target @name@_accept
static_assert(peal::keeps_contract<golden, @events@>());
}  // namespace
")
  file(CONFIGURE OUTPUT ${name}_text.cpp @ONLY CONTENT "@begin@
#include <cstdio>

int main(int count, char** arguments) {
  std::FILE* const out = count > 1 ? std::fopen(arguments[1], \"wb\") : stdout;
  if (out == nullptr) return 1;
  const std::string text = peal::contract_text<@events@>();
  const bool written = std::fwrite(text.data(), 1, text.size(), out) == text.size();
  return std::fclose(out) == 0 && written ? 0 : 1;
}
")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}_check.cpp)
  target_link_libraries(${name} PRIVATE peal::peal)
  add_executable(${name}_text EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/${name}_text.cpp)
  target_link_libraries(${name}_text PRIVATE peal::peal)
  add_custom_target(${name}_accept COMMAND ${name}_text ${golden} VERBATIM COMMENT "writing ${golden}")
endfunction()
