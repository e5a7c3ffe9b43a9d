# SPDX-License-Identifier: MIT
# peal::sqlite: a store in one SQLite file.
if(NOT TARGET SQLite::SQLite3)
  find_package(SQLite3 3.35 QUIET GLOBAL)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/../component.cmake)
peal_component(sqlite LIBRARY SQLite::SQLite3 PACKAGE "SQLite 3.35 or newer (Debian: libsqlite3-dev)")
