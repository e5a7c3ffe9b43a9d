# SPDX-License-Identifier: MIT
# Installs into PREFIX/first, moves it to PREFIX/moved, and looks for traces of the first place and of the source tree.
cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}/first
  RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "install failed:\n${text}")
endif()
file(RENAME ${PREFIX}/first ${PREFIX}/moved)

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH source)
cmake_path(GET source PARENT_PATH source)
file(GLOB_RECURSE files ${PREFIX}/moved/*)
foreach(file IN LISTS files)
  file(READ ${file} content)
  foreach(trace ${PREFIX} ${source}/)
    string(FIND "${content}" "${trace}" place)
    if(NOT place EQUAL -1)
      message(FATAL_ERROR "${file} knows ${trace}")
    endif()
  endforeach()
endforeach()
if(NOT EXISTS ${PREFIX}/moved/include/peal/version.hpp)
  message(FATAL_ERROR "no headers were installed")
endif()
