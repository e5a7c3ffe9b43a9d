# SPDX-License-Identifier: MIT
# Runs the tool as a person would, on a store that is not there and with words it does not know.
# cmake -D PROGRAM=… [-D STORES=<file>|<file>… -D WORK=<folder>] -P check_tool.cmake; a store has what the golden files have
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
run(2 "\"noon\" is neither a position nor a moment" shop.db replay orders --from noon)

string(REPLACE "|" ";" STORES "${STORES}")
foreach(golden IN LISTS STORES)
  cmake_path(GET golden FILENAME name)
  file(REMOVE_RECURSE ${WORK}/tool)
  file(COPY ${golden} DESTINATION ${WORK}/tool)
  set(kept ${WORK}/tool/${name})
  run(0 "5       1      6" ${kept} topics)
  run(0 "\"position\":2," ${kept} replay shop.orders --from 2023-11-14T22:13:20.000000002Z --limit 1)
  run(0 "\"position\":5," ${kept} replay shop.orders --from 5)
  run(1 "there is no topic shop.order" ${kept} replay shop.order)
  run(0 "letter 2 of shop.orders is gone" ${kept} dead discard shop.orders 2)
  run(1 "shop.orders has no letter 2" ${kept} dead show shop.orders 2)
endforeach()
