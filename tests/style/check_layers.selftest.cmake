# SPDX-License-Identifier: MIT
# Proves cmake/check_layers.cmake: plants one violation of each rule into a sound tree and expects to hear of it.
# cmake -D SCRIPT=<check_layers.cmake> -D WORK=<folder to use> -P …
cmake_minimum_required(VERSION 3.25)

# check(<message or "sound"> [<header> <include line>]...)
function(check expected)
  file(REMOVE_RECURSE ${WORK})
  foreach(header fwd version detail/a core/a core/detail/a ring/a policy/a bus/a pattern/a testing/a peal
                 adapters/red/a adapters/red/detail/a adapters/blue/a)
    file(WRITE ${WORK}/peal/${header}.hpp "#include <vector>\n")
  endforeach()
  while(ARGN)
    list(POP_FRONT ARGN header line)
    file(APPEND ${WORK}/peal/${header} "${line}\n")
  endwhile()
  execute_process(COMMAND ${CMAKE_COMMAND} -D ROOT=${WORK} -P ${SCRIPT}
    RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  if(expected STREQUAL "sound")
    if(NOT code EQUAL 0)
      message(SEND_ERROR "a sound tree was refused: ${text}")
    endif()
  elseif(code EQUAL 0)
    message(SEND_ERROR "not noticed: ${header}: ${line}")
  else()
    string(FIND "${text}" "${expected}" place)
    if(place EQUAL -1)
      message(SEND_ERROR "${header}: ${line}: expected \"${expected}\", heard: ${text}")
    endif()
  endif()
endfunction()

check(sound
  core/a.hpp "#include <peal/fwd.hpp>"
  detail/a.hpp "#include <peal/version.hpp>"
  core/a.hpp "#include <peal/detail/a.hpp>"
  core/a.hpp "#include <peal/core/detail/a.hpp>"
  ring/a.hpp "#include <linux/futex.h>"
  bus/a.hpp "  #  include <peal/ring/a.hpp>  // why"
  bus/a.hpp "#include <peal/policy/a.hpp>"
  pattern/a.hpp "#include <peal/bus/a.hpp>"
  peal.hpp "#include <peal/pattern/a.hpp>"
  testing/a.hpp "#include <peal/peal.hpp>"
  adapters/red/a.hpp "#include <peal/adapters/red/detail/a.hpp>"
  adapters/red/detail/a.hpp "#include <sqlite3.h>")

check("floor 1 may not see floor 2" core/a.hpp "#include <peal/ring/a.hpp>")
check("floor 0 may not see floor 1" fwd.hpp "#include <peal/core/a.hpp>")
check("floor 0 may not see floor 4.5" version.hpp "#include <peal/peal.hpp>")
check("floor 2 may not see floor 2" policy/a.hpp "#include <peal/ring/a.hpp>")
check("floor 2 may not see floor 3" ring/a.hpp "#include <peal/bus/a.hpp>")
check("floor 3 may not see floor 4" bus/a.hpp "#include <peal/pattern/a.hpp>")
check("floor 4 may not see floor 4.5" pattern/a.hpp "#include <peal/peal.hpp>")
check("floor 4.5 may not see floor 5" peal.hpp "#include <peal/adapters/red/a.hpp>")
check("floor 4.5 may not see floor 5" peal.hpp "#include <peal/testing/a.hpp>")
check("floor 5 may not see floor 5" adapters/red/a.hpp "#include <peal/adapters/blue/a.hpp>")
check("floor 5 may not see floor 5" testing/a.hpp "#include <peal/adapters/red/a.hpp>")
check("detail/ is only for its own folder" bus/a.hpp "#include <peal/core/detail/a.hpp>")
check("a vendor's header belongs into" core/a.hpp "#include <fmt/core.h>")
check("a vendor's header belongs into" adapters/red/a.hpp "#include <sqlite3.h>")
check("our headers are included as <peal/...>" core/a.hpp "#include \"peal/fwd.hpp\"")
check("no such header" core/a.hpp "#include <peal/core/gone.hpp>")
check("its folder has no floor" attic/a.hpp "#include <vector>")
check("its folder has no floor" stray.hpp "#include <vector>")
message(STATUS "every planted violation was heard")
