# SPDX-License-Identifier: MIT
# peal::json: events from JSON, and codecs of events that nlohmann-json can convert.
if(NOT TARGET nlohmann_json::nlohmann_json)
  find_package(nlohmann_json 3 QUIET CONFIG GLOBAL)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/../component.cmake)
peal_component(json LIBRARY nlohmann_json::nlohmann_json PACKAGE "nlohmann-json (Debian: nlohmann-json3-dev)")
