# SPDX-License-Identifier: MIT
# pkg-config finds the moved package, with its version, its include folder where it is now, and no library to link.
cmake_minimum_required(VERSION 3.25)

set(ENV{PKG_CONFIG_PATH} ${PREFIX}/share/pkgconfig)
function(expect wanted)
  execute_process(COMMAND ${PKG_CONFIG} ${ARGN} peal RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(STRIP "${text}" text)
  if(NOT code EQUAL 0 OR NOT text STREQUAL wanted)
    message(FATAL_ERROR "pkg-config ${ARGN}: \"${text}\" instead of \"${wanted}\"")
  endif()
endfunction()

expect(${VERSION} --modversion)
expect("" --libs)
execute_process(COMMAND ${PKG_CONFIG} --cflags peal OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "^-I" "" folder "${flags}")
if(NOT EXISTS ${folder}/peal/version.hpp)
  message(FATAL_ERROR "pkg-config --cflags: ${flags} leads nowhere")
endif()
