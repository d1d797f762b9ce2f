// What a search says about a height, and how it is interrupted.
#pragma once

#include "base/function_ref.h"

namespace itrt::plan {

enum class Answer { fits, impossible, unknown };

// Asked now and then; true ends the work with what is known by then.
using Cancel = FunctionRef<bool()>;

}  // namespace itrt::plan
