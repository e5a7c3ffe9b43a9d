# SPDX-License-Identifier: MIT
# peal_discover_tests(<target> LABEL <label> TIMEOUT <seconds> [SERIAL]): one ctest entry for each test case of a binary.
# The binary lists its own tests after each build (tests/support/main.cpp), so the same code serves Catch2 v2 and v3.
function(peal_discover_tests target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "LABEL;TIMEOUT" "")
  set(list ${CMAKE_CURRENT_BINARY_DIR}/${target}.tests.cmake)
  set(loader ${CMAKE_CURRENT_BINARY_DIR}/${target}.ctest.cmake)
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${target} --list-for-ctest ${list} BYPRODUCTS ${list} VERBATIM)
  file(GENERATE OUTPUT ${loader} CONTENT
"function(peal_test name argument promises)
  add_test(\"\${name}\" \"$<TARGET_FILE:${target}>\" \"\${argument}\")
  set_tests_properties(\"\${name}\" PROPERTIES TIMEOUT ${arg_TIMEOUT}
    LABELS \"${arg_LABEL}\${promises}\" RUN_SERIAL $<BOOL:${arg_SERIAL}>)
endfunction()
if(EXISTS \"${list}\")
  include(\"${list}\")
else()
  add_test(\"${target} is not built\" \"${target}\")
endif()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${loader})
endfunction()
