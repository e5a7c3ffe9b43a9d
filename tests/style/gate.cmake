# SPDX-License-Identifier: MIT
# cmake -D ROOT=<repository> -P gate.cmake: words that have no place in a folder. Comments count: they get copied.
cmake_minimum_required(VERSION 3.25)

set(violations "")

# refuse(<folder> <regex> <why> [EXCEPT <regex of paths>])
function(refuse folder word why)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "EXCEPT" "")
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${folder}/*.hpp ${ROOT}/${folder}/*.cpp)
  foreach(file IN LISTS files)
    if(arg_EXCEPT AND file MATCHES "${arg_EXCEPT}")
      continue()
    endif()
    file(STRINGS ${ROOT}/${file} lines REGEX "${word}")
    foreach(line IN LISTS lines)
      string(STRIP "${line}" line)
      list(APPEND violations "${file}: ${line}: ${why}")
    endforeach()
  endforeach()
  set(violations "${violations}" PARENT_SCOPE)
endfunction()

refuse(include "atomic_thread_fence" "ThreadSanitizer is blind to fences")
refuse(include "counting_semaphore|binary_semaphore" "they lose wake-ups in libstdc++ 12")
refuse(include "condition_variable" "use event_count" EXCEPT "/ring/detail/portable_parking.hpp$")
refuse(include "#[ \t]*include[ \t]*<(iostream|regex|ranges|functional)>" "dear to include")
refuse(include "#[ \t]*include[ \t]*<chrono>" "half of <iostream> comes with it; use <peal/detail/time.hpp>"
  EXCEPT "/peal/detail/time.hpp$|/testing/|/adapters/")
refuse(include "using namespace" "it reaches into every user")
refuse(include "std::jthread|stop_token|source_location|move_only_function|<format>|<expected>" "clang 14 or libc++ lacks it")
refuse(include "pragma (GCC|clang) diagnostic" "our headers are warning-free as they are")
refuse(tests "sleep_for|sleep_until|usleep|nanosleep" "no sleep in tests; use a manual clock or a handshake" EXCEPT "^tests/stress/")

if(violations)
  list(JOIN violations "\n  " violations)
  message(FATAL_ERROR "words out of place:\n  ${violations}\n")
endif()
message(STATUS "no word out of place")
