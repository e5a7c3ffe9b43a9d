// SPDX-License-Identifier: MIT
// The namespace of the library, and nothing that a header on a higher floor would have to keep in step with.
#pragma once

/// Everything public lives here; the inline namespace changes when the layout of public types does.
namespace peal::inline v0 {}
