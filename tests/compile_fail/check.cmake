# SPDX-License-Identifier: MIT
# Compiles SOURCE twice: without PEAL_EXPECT_FAIL it must compile (the positive control), with it it must not, and the
# compiler must print every sentence of the source's `// expect: …` lines. Its quotes of source lines do not count.
# cmake -D CXX=… -D FLAGS=… -D INCLUDE=<folders> -D SOURCE=… -P check.cmake
cmake_minimum_required(VERSION 3.25)

file(STRINGS ${SOURCE} expected REGEX "^// expect: .+$")
list(TRANSFORM expected REPLACE "^// expect: " "")
if(NOT expected)
  message(FATAL_ERROR "${SOURCE} has no `// expect: <sentence>` line")
endif()

list(TRANSFORM INCLUDE PREPEND -I)
separate_arguments(FLAGS UNIX_COMMAND "${FLAGS}")
set(compile ${CXX} ${FLAGS} -std=c++20 -w -fsyntax-only -fmessage-length=0 ${INCLUDE})
set(ENV{LC_ALL} C)

execute_process(COMMAND ${compile} ${SOURCE} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "the positive control does not compile:\n${text}")
endif()

execute_process(COMMAND ${compile} -DPEAL_EXPECT_FAIL ${SOURCE} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(code EQUAL 0)
  message(FATAL_ERROR "it compiles, but must not")
endif()
foreach(sentence IN LISTS expected)
  string(FIND "${text}" "${sentence}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "it does not compile, but nobody says \"${sentence}\":\n${text}")
  endif()
endforeach()
