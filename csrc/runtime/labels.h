// Labels at the image's size from low-resolution logits.
#pragma once

#include <cstdint>
#include <span>

#include "base/isa.h"
#include "model/sizes.h"

namespace itrt {

// `logits` is (from.height, from.width, classes) u8; `labels` receives (to.height, to.width) bytes, or 16-bit numbers
// in the machine's order above 256 classes.
void compute_labels(std::span<const std::uint8_t> logits, model::Size from, std::int64_t classes, model::Size to,
                    Isa isa, int threads, void* labels);

}  // namespace itrt
