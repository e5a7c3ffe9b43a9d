// SPDX-License-Identifier: MIT
// The bus, its policies and its rings; durable topics, patterns and adapters have headers of their own.
#pragma once

#include <peal/bus/bus.hpp>
#include <peal/core/overloaded.hpp>
#include <peal/policy/dead_letter.hpp>
#include <peal/ring/mpmc_ring.hpp>
#include <peal/ring/multicast_ring.hpp>
#include <peal/version.hpp>
