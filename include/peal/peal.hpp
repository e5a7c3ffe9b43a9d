// SPDX-License-Identifier: MIT
// Everything of peal that needs the standard library alone.
#pragma once

#include <peal/bus/bus.hpp>
#include <peal/core/overloaded.hpp>
#include <peal/policy/dead_letter.hpp>
#include <peal/ring/mpmc_ring.hpp>
#include <peal/ring/multicast_ring.hpp>
#include <peal/version.hpp>
