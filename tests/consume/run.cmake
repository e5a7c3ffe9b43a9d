# SPDX-License-Identifier: MIT
# Configures, builds and runs a user's project. With REFUSED the configuration must fail and say that text.
# cmake -D PROJECT=<folder> -D WORK=<folder> -D CXX=… -D OPTIONS=<-DA=b|-DC=d> [-D REFUSED=<text>] -P run.cmake
cmake_minimum_required(VERSION 3.25)

# All of it is tested without what the caller's environment says.
unset(ENV{CXXFLAGS})
unset(ENV{LDFLAGS})
string(REPLACE "|" ";" OPTIONS "${OPTIONS}")
file(REMOVE_RECURSE ${WORK})

macro(step name)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(REGEX REPLACE "[ \n]+" " " flat "${text}")
  if(NOT code EQUAL 0 AND NOT DEFINED REFUSED)
    message(FATAL_ERROR "${name} failed:\n${text}")
  endif()
endmacro()

step(configure ${CMAKE_COMMAND} -S ${PROJECT} -B ${WORK} -G ${GENERATOR}
  -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_BUILD_TYPE=Debug ${OPTIONS})
if(DEFINED REFUSED)
  string(FIND "${flat}" "${REFUSED}" place)
  if(code EQUAL 0 OR place EQUAL -1)
    message(FATAL_ERROR "expected to be refused with \"${REFUSED}\", heard (${code}):\n${text}")
  endif()
  return()
endif()
if(text MATCHES "Warning")
  message(FATAL_ERROR "a user's configuration warns:\n${text}")
endif()

step(build ${CMAKE_COMMAND} --build ${WORK})
step(run ${WORK}/consumer)
message(STATUS "${text}")
