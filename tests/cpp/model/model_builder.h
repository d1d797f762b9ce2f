// Small programs, and model files made of them byte by byte, for tests. Shares no code with the product's reader, nor
// with the writer in python/itrt/format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/program.h"

namespace itrt::test {

model::Tensor tensor(std::string name, std::int64_t channels, float scale = 1,
                     std::vector<std::uint8_t> zero_points = {0});

// A convolution of one term with one tap: all weights `weight`, all biases `bias`, scale 1.
model::Operator pointwise(std::string name, model::TensorIndex input, std::int64_t in_channels,
                          model::TensorIndex output, std::int64_t out_channels, std::int8_t weight = 1,
                          std::int32_t bias = 0);

// Convolutions, additions and a resize, a strided and a grouped term, one that is loop-invariant, one tensor a section
// that outlives it, random weights; with `max_iterations` the block's and the head's biases and scales are one a step.
model::Program small_network(std::optional<std::int64_t> max_iterations = std::nullopt, unsigned seed = 1);

// The least that runs: state = the image's mean; state' = state + 1; logits = state. All tensors have one channel.
model::Program counter();

// No loop: image -> stem -> logits.
model::Program feed_forward();

// No loop: each operator that small_network has not, the ways to say a resize that it has not, and fixed point.
model::Program every_operator();

// The program with multipliers and shifts in place of all scales, each as near as it gets.
model::Program with_fixed_point(model::Program program);

struct FileBlob {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;
};

// A model file before it is put together, so that each part can be spoiled.
struct ModelFile {
  std::string format = "itrt", format_version = "3";
  std::string program;  // JSON
  std::vector<FileBlob> blobs;

  std::string header() const;  // its checksum is still zeros
  std::vector<std::uint8_t> data() const;
  std::vector<std::uint8_t> bytes() const;  // the file
};

ModelFile to_file(const model::Program& program);

// Length, header (padded), data, with the right checksum.
std::vector<std::uint8_t> assemble(std::string header, const std::vector<std::uint8_t>& data);

// Put the right checksum into a file whose bytes were changed. False where the file has no place for it.
bool seal(std::vector<std::uint8_t>& file);

// The only occurrence of `from` becomes `to`; anything else is a mistake of the test.
std::string replaced(std::string text, std::string_view from, std::string_view to);

}  // namespace itrt::test
