# SPDX-License-Identifier: MIT
# peal::msgpack: codecs of events that msgpack-cxx can convert. Its package has had three names, and two for its target.
foreach(name msgpack-cxx msgpackc-cxx msgpack)
  if(NOT TARGET msgpack-cxx AND NOT TARGET msgpackc-cxx)
    find_package(${name} QUIET CONFIG GLOBAL)
  endif()
endforeach()
set(peal_msgpack_library msgpackc-cxx)
if(TARGET msgpack-cxx)
  set(peal_msgpack_library msgpack-cxx)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/../component.cmake)
peal_component(msgpack LIBRARY ${peal_msgpack_library} PACKAGE "msgpack-cxx (Debian: libmsgpack-cxx-dev)")
