# SPDX-License-Identifier: MIT
# Proves gate.cmake: each planted word is noticed, and what is allowed is not.
# cmake -D SCRIPT=<gate.cmake> -D WORK=<folder to use> -P …
cmake_minimum_required(VERSION 3.25)

function(check expected file line)
  file(REMOVE_RECURSE ${WORK})
  file(WRITE ${WORK}/${file} "int before;\n${line}\n")
  execute_process(COMMAND ${CMAKE_COMMAND} -D ROOT=${WORK} -P ${SCRIPT}
    RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(expected STREQUAL "fine" AND NOT code EQUAL 0)
    message(SEND_ERROR "refused: ${file}: ${line}: ${text}")
  elseif(expected STREQUAL "refused" AND (code EQUAL 0 OR NOT text MATCHES "words out of place"))
    message(SEND_ERROR "not noticed: ${file}: ${line}")
  endif()
endfunction()

check(refused include/peal/ring/a.hpp "std::atomic_thread_fence(std::memory_order_seq_cst);")
check(refused include/peal/a.hpp "std::counting_semaphore<> s{0};")
check(refused include/peal/a.hpp "#include <condition_variable>")
check(refused include/peal/a.hpp "#include <functional>")
check(refused include/peal/bus/a.hpp "#include <chrono>")
check(fine include/peal/detail/time.hpp "#include <chrono>")
check(refused include/peal/a.hpp "using namespace std;")
check(refused include/peal/a.hpp "std::jthread t;")
check(refused include/peal/a.hpp "#pragma GCC diagnostic push")
check(refused tests/bus/a.test.cpp "std::this_thread::sleep_for(1ms);")
check(fine tests/stress/a.stress.cpp "std::this_thread::sleep_for(1ms);")
check(fine tests/bus/a.test.cpp "#include <functional>")
check(fine include/peal/a.hpp "#include <atomic>")
message(STATUS "every planted word was heard")
