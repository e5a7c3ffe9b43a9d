# SPDX-License-Identifier: MIT
# Everything that the target `bench` does: what is measured by other programs first, then peal_bench, then the table and
# the plot for the README. PEAL_BENCH_QUICK=1 in the environment makes it short.
cmake_minimum_required(VERSION 3.25)

if(NOT "$ENV{PEAL_BENCH_QUICK}" STREQUAL "" AND NOT "$ENV{PEAL_BENCH_QUICK}" STREQUAL "0")
  set(QUICK ON)
endif()
set(external ${OUT}/elsewhere.txt)
file(WRITE ${external} "")

# peal_count(<row> <column> <function> <argument>): instructions an event inside the function.
function(peal_count row column function argument)
  execute_process(COMMAND ${VALGRIND} --tool=callgrind --callgrind-out-file=/dev/null "--toggle-collect=*${function}*"
    ${INSTRUCTIONS} ${argument} RESULT_VARIABLE code OUTPUT_VARIABLE events ERROR_VARIABLE text)
  string(REGEX MATCH "Collected : ([0-9]+)" found "${text}")
  set(counted ${CMAKE_MATCH_1})
  string(STRIP "${events}" events)
  if(NOT code EQUAL 0 OR NOT found)
    message(STATUS "instructions: callgrind failed for ${row}, ${column}")
    return()
  endif()
  math(EXPR tenths "${counted} * 10 / ${events}")
  math(EXPR whole "${tenths} / 10")
  math(EXPR tenth "${tenths} % 10")
  file(APPEND ${external} "instructions|${row}|${column}|${whole}.${tenth}\n")
endfunction()

if(VALGRIND)
  message(STATUS "counting instructions")
  foreach(argument small large)
    set(row "8 byte event")
    if(argument STREQUAL "large")
      set(row "64 byte event")
    endif()
    peal_count("${row}" publish counted_publish ${argument})
    peal_count("${row}" deliver counted_deliver ${argument})
  endforeach()
  peal_count("8 byte event, handler on the publisher's thread" publish counted_publish inline)
  peal_count("8 byte event, measured" deliver counted_deliver measured)
endif()

if(CXX_ID STREQUAL "GNU")
  message(STATUS "timing the compiler")
  include(${CMAKE_CURRENT_LIST_DIR}/compile_cost.cmake)
else()
  message(STATUS "compile cost: the figures are g++'s, this is ${CXX_ID}")
endif()

set(quick "")
if(QUICK)
  set(quick --quick)
endif()
execute_process(COMMAND ${BENCH} ${quick} --json=${OUT}/bench.json --reasons=${REASONS} --external=${external}
  RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "peal_bench ended with ${code}: a result was wrong")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -D JSON=${OUT}/bench.json -D MARKDOWN=${OUT}/bench.md -D SVG=${OUT}/bench.svg
  -P ${REPORT} COMMAND_ERROR_IS_FATAL ANY)
