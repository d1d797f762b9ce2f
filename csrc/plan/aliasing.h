// What a program lets share memory: outputs that are written over an input, and tensors that are a part of another one.
//
//   pixel            0         1         2          a split, or an input of a concatenation, is a view: some channels
//   concatenation    a a b b b a a b b b a a b b b  of every pixel of its root, which lives from the first one's
//   a, a view        a a       a a       a a        writer to the last one's reader
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/program.h"
#include "model/sizes.h"
#include "plan/schedule.h"
#include "plan/sharing.h"

namespace itrt::plan {

// Tensor `view` is the channels from `first_channel` on of every pixel of `root`, which is no view.
struct View {
  std::size_t view = 0, root = 0;
  std::int64_t first_channel = 0;
};

// Where operators may write over an input, if nothing else wants it then or later. Tensors of `views` do not take part.
std::vector<Overwrite> find_overwrites(const model::Program& program, std::span<const model::Size> sizes,
                                       std::int64_t alignment, const Schedule& schedule, std::span<const View> views);

// Concatenations and splits that need no copy; none without Schedule::views. Image, logits and states are no views and
// have none: others know where they lie.
std::vector<View> find_views(const model::Program& program, const Schedule& schedule);

}  // namespace itrt::plan
