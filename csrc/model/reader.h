// A model file -> Program. The file is untrusted: every Program that comes out has passed `validate`.
#pragma once

#include <cstdint>
#include <span>

#include "model/program.h"

namespace itrt::model {

// Throws ModelFileError that names the field, what was expected and what was found.
Program read(std::span<const std::uint8_t> file);

}  // namespace itrt::model
