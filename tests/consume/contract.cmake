# SPDX-License-Identifier: MIT
# A contract file as its user meets it: it is as the events are; a changed field does not build; what is meant is accepted.
# cmake -D EXAMPLE=<examples/contract> -D PEAL_SOURCE=… -D WORK=… -D CXX=… -D GENERATOR=… -P contract.cmake
cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE ${WORK})
file(COPY ${EXAMPLE}/events.hpp ${EXAMPLE}/events.contract DESTINATION ${WORK}/source)
file(WRITE ${WORK}/source/CMakeLists.txt "cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
add_subdirectory(${PEAL_SOURCE} peal)
peal_contract(shop_events HEADER events.hpp FILE events.contract
  EVENTS shop::order_placed shop::order_shipped)
")

# build(<wanted: OK or a text of the failure> <target>)
function(build wanted target)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build --target ${target}
    RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(FIND "${text}" "${wanted}" place)
  if(wanted STREQUAL "OK" AND NOT code EQUAL 0 OR NOT wanted STREQUAL "OK" AND (code EQUAL 0 OR place EQUAL -1))
    message(FATAL_ERROR "${target}: wanted ${wanted}, got exit code ${code}:\n${text}")
  endif()
endfunction()
function(change from to)
  file(READ ${WORK}/source/events.hpp text)
  string(REPLACE "${from}" "${to}" changed "${text}")
  if(changed STREQUAL text)
    message(FATAL_ERROR "nothing to change: ${from}")
  endif()
  # A file system's clock is coarse: what was built just now must be older.
  file(TOUCH ${WORK}/before)
  file(WRITE ${WORK}/source/events.hpp "${changed}")
  while(${WORK}/before IS_NEWER_THAN ${WORK}/source/events.hpp)
    file(WRITE ${WORK}/source/events.hpp "${changed}")
  endwhile()
endfunction()

execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/source -B ${WORK}/build -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${CXX}
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

build(OK shop_events_accept)
file(READ ${EXAMPLE}/events.contract committed)
file(READ ${WORK}/source/events.contract written)
if(NOT committed STREQUAL written)
  message(FATAL_ERROR "${EXAMPLE}/events.contract should be:\n${written}")
endif()
build(OK shop_events)
change("std::string parcel;" "std::int64_t parcel = 0;")
build("the fields of this event differ from its contract" shop_events)
change("shop.order_shipped\", 1}" "shop.order_shipped\", 2};\n  static constexpr std::uint32_t oldest_version{2}")
build("this version of the event is not in the contract yet" shop_events)
build(OK shop_events_accept)
build(OK shop_events)
