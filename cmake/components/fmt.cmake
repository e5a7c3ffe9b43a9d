# SPDX-License-Identifier: MIT
# peal::fmt: formatters, for programs that have fmt.
if(NOT TARGET fmt::fmt)
  find_package(fmt 8 QUIET CONFIG GLOBAL)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/../component.cmake)
peal_component(fmt LIBRARY fmt::fmt PACKAGE "the package fmt (Debian: libfmt-dev)")
