// What a session executes, in which order: operators that are computed in one, and operators that run in turns.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/sizes.h"
#include "plan/lifetimes.h"
#include "plan/stripes.h"
#include "runtime/program.h"

namespace itrt {

// Whether operators that can be computed in one are (PreparedOperator::joins_next). Without it every tensor of the
// program exists at its time, for taps, and every term is multiplied where it stands.
enum class Fusion { off, on };

enum class Section { stem, block, head };

// Operators [first, last] of a section run in turns, `rows` rows of the last one's output at a time (plan/stripes.h).
struct Stripe {
  Section section = Section::block;
  std::int64_t first = 0, last = 0;  // places in the section, both inclusive
  std::int64_t rows = 1;
};

// An operator; an addition, with the one before it that it computes on the way, if there is one.
struct FusedOperator {
  const PreparedOperator* op = nullptr;
  const PreparedOperator* joined = nullptr;        // a resize or a convolution
  std::optional<std::size_t> sums = std::nullopt;  // of the convolution's hoisted terms, in the schedule's loop_sums

  // What is computed first.
  const PreparedOperator& first() const { return joined != nullptr ? *joined : *op; }
};

// A line buffer: which tensor's, and its number in the stripes' plan.
struct PlannedLine {
  model::TensorIndex tensor = 0;
  std::size_t planned = 0;
};

struct StripedOperators {
  std::size_t first = 0, last = 0;  // of the section's fused operators, both inclusive
  plan::StripePlan plan;
  std::vector<PlannedLine> lines;
};

struct SectionSchedule {
  std::vector<FusedOperator> operators;
  std::vector<StripedOperators> striped;  // in their order, apart
};

struct Schedule {
  std::array<SectionSchedule, 3> sections;  // by Section
  plan::Schedule memory;                    // the same for the planner of lifetimes
};

// Throws InvalidArgument for stripes of less than a row, of operators that the section has not, that two stripes share,
// or that cut an operator from the addition that computes it.
void check_stripes(const Program& program, std::span<const Stripe> stripes, Fusion fusion = Fusion::on);

// Refers to `program`. Throws what check_stripes throws.
Schedule make_schedule(const Program& program, std::span<const model::Size> sizes, Fusion fusion,
                       std::span<const Stripe> stripes);

// Stripes whose tensors fit into a cache of `cache_bytes`, of operators whose whole tensors do not.
std::vector<Stripe> choose_stripes(const Program& program, model::Size image, std::int64_t cache_bytes);

}  // namespace itrt
