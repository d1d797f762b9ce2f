// Stripes as Python gives and takes them: (section, first operator, last operator, rows).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/schedule.h"

namespace itrt::bindings {

using StripeRow = std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t>;

// Throws InvalidArgument for a section that no program has.
std::vector<Stripe> stripes_of(std::span<const StripeRow> rows);
std::vector<StripeRow> rows_of(std::span<const Stripe> stripes);

}  // namespace itrt::bindings
