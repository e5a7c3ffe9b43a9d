# SPDX-License-Identifier: MIT
# Runs the tool as a person would, on a store that is not there and with words it does not know.
# cmake -D PROGRAM=… -P check_tool.cmake
cmake_minimum_required(VERSION 3.25)

# run(<exit code> <what must be printed> <argument>...)
function(run wanted word)
  execute_process(COMMAND ${PROGRAM} ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(FIND "${text}" "${word}" place)
  if(NOT code EQUAL ${wanted} OR place EQUAL -1)
    message(FATAL_ERROR "${ARGN}: exit code ${code} instead of ${wanted}, or no \"${word}\" in:\n${text}")
  endif()
endfunction()

run(0 "usage: peal STORE COMMAND" --help)
run(2 "there is no command fly" shop.db fly)
run(2 "say which store" topics)
run(3 "there is no nowhere.db" nowhere.db topics)
