# SPDX-License-Identifier: MIT
# cmake -D ROOT=<repository> -D CLANG_FORMAT=<program> -P format.cmake: fails when clang-format would change a file.
cmake_minimum_required(VERSION 3.25)

set(files "")
foreach(folder include tests benchmarks examples)
  file(GLOB_RECURSE found ${ROOT}/${folder}/*.hpp ${ROOT}/${folder}/*.cpp)
  list(APPEND files ${found})
endforeach()
execute_process(COMMAND ${CLANG_FORMAT} --dry-run -Werror --style=file ${files} RESULT_VARIABLE code ERROR_VARIABLE text)
if(NOT code EQUAL 0)
  string(REGEX MATCHALL "[^\n:]+:[0-9]+:[0-9]+: (error|warning): [^\n]+" places "${text}")
  list(LENGTH places count)
  list(TRANSFORM places REPLACE ":.*" "")
  list(REMOVE_DUPLICATES places)
  list(JOIN places "\n  " places)
  message(FATAL_ERROR "clang-format -i would change ${count} places in\n  ${places}\n")
endif()
