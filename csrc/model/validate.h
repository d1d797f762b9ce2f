// The one place where a program is held to docs/format.md and docs/numerics.md: what the runtime then relies on.
#pragma once

#include "model/program.h"

namespace itrt::model {

// Throws ModelFileError that names the operator or tensor, what was expected and what was found.
//   - indices lie inside; every tensor has one writer, before its readers, in a section that may be read from there
//   - channels agree; groups divide them; constants have one value or one a step, loop-invariant terms one
//   - scales are finite; no accumulator can leave 31 bits, in any order of summation
void validate(const Program& program);

}  // namespace itrt::model
