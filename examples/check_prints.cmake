# SPDX-License-Identifier: MIT
# Runs an example and compares its output with the `// prints: …` lines of its source, line by line.
# cmake -D PROGRAM=… -D SOURCE=… -P check_prints.cmake
cmake_minimum_required(VERSION 3.25)

file(STRINGS ${SOURCE} wanted REGEX "// prints: ")
list(TRANSFORM wanted REPLACE "^.*// prints: " "")
list(JOIN wanted "\n" wanted)
execute_process(COMMAND ${PROGRAM} RESULT_VARIABLE code OUTPUT_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT code EQUAL 0 OR wanted STREQUAL "" OR NOT text STREQUAL wanted)
  message(FATAL_ERROR "exit code ${code}, wanted:\n${wanted}\nprinted:\n${text}")
endif()
