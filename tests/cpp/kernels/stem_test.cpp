// Image stems, 3x3 of stride 2 on three channels (kernels/convolution/stem.h): every kernel against the oracle, with
// rows shorter and longer than a tile and a panel, and with no readable byte behind the input's slack.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <stdexcept>

#include "kernels/convolution_problem.h"

namespace itrt::test {
namespace {

// A copy of an input that ends, with its slack, at the end of a page; the next page cannot be read. (The sanitizer does
// not see the reads of inline assembly.)
class GuardedMemory {
 public:
  GuardedMemory(const std::uint8_t* values, std::size_t size) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t readable = (size + kernels::input_slack + page - 1) / page * page;
    size_ = readable + page;
    memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    std::uint8_t* end = static_cast<std::uint8_t*>(memory_) + readable;
    if (mprotect(end, page, PROT_NONE) != 0) throw std::runtime_error("mprotect failed");
    data_ = end - kernels::input_slack - size;
    std::memcpy(data_, values, size);
  }
  ~GuardedMemory() { munmap(memory_, size_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  const std::uint8_t* data() const { return data_; }

 private:
  void* memory_ = nullptr;
  std::size_t size_ = 0;
  std::uint8_t* data_ = nullptr;
};

struct Shape {
  std::int64_t height, width, out_channels;
  std::int64_t padding_top = 1, padding_left = 1;
  std::int64_t padding_bottom = 1, padding_right = 1;
};

std::int64_t output_size(std::int64_t size, std::int64_t padding) { return (size + padding - 3) / 2 + 1; }

ConvolutionProblem stem_problem(Random& random, const Shape& shape) {
  ConvolutionProblem problem;
  problem.out_channels = shape.out_channels;
  problem.output_height = output_size(shape.height, shape.padding_top + shape.padding_bottom);
  problem.output_width = output_size(shape.width, shape.padding_left + shape.padding_right);
  problem.add(random,
              {.in_channels = 3,
               .kernel_height = 3,
               .kernel_width = 3,
               .stride_height = 2,
               .stride_width = 2,
               .padding_top = shape.padding_top,
               .padding_left = shape.padding_left},
              shape.height, shape.width);
  return problem;
}

void expect_exact(Random& random, const Shape& shape) {
  SCOPED_TRACE(testing::Message() << shape.height << 'x' << shape.width << " to " << shape.out_channels << ", padding "
                                  << shape.padding_top << ' ' << shape.padding_left << ' ' << shape.padding_bottom
                                  << ' ' << shape.padding_right);
  ConvolutionProblem problem = stem_problem(random, shape);
  problem.add_requantization(random);
  const GuardedMemory input(problem.inputs[0].data, static_cast<std::size_t>(shape.height * shape.width * 3));
  problem.inputs[0].data = input.data();
  problem.expect_all_kernels_exact(random);
}

// A scale with which sums may be read as binary32 (convolution_kernel.h).
void make_saturating(Random& random, ConvolutionProblem& problem, std::int32_t zero_point) {
  problem.bias.clear();
  problem.scale.clear();
  for (std::int64_t c = 0; c < problem.out_channels; ++c) {
    problem.bias.push_back(static_cast<std::int32_t>(between(random, -20000, 20000)));
    problem.scale.push_back(static_cast<float>(between(random, -1000, 1000)) / (1 << 20));
  }
  problem.zero_point = zero_point;
  problem.lower = 0;
  problem.upper = 255;
}

TEST(Stem, WidthsAroundTheTile) {
  Random random(1);
  for (std::int64_t width = 1; width <= 80; ++width) expect_exact(random, {4, width, between(random, 1, 80)});
}

TEST(Stem, RandomShapesAndPaddings) {
  Random random(2);
  for (int round = 0; round < 150 && !testing::Test::HasFatalFailure(); ++round) {
    Shape shape = {between(random, 1, 40), between(random, 1, 130), between(random, 1, 80)};
    shape.padding_top = between(random, shape.height < 3 ? 2 : 0, 2);
    shape.padding_left = between(random, shape.width < 3 ? 2 : 0, 2);
    shape.padding_bottom = between(random, 0, 2);
    shape.padding_right = between(random, 0, 2);
    if (shape.height + shape.padding_top + shape.padding_bottom < 3) shape.padding_bottom = 2;
    if (shape.width + shape.padding_left + shape.padding_right < 3) shape.padding_right = 2;
    expect_exact(random, shape);
  }
}

TEST(Stem, PaddingLargerThanATile) {
  Random random(3);
  expect_exact(random, {5, 7, 32, 30, 60, 30, 60});
  expect_exact(random, {5, 90, 20, 7, 29, 0, 31});
}

TEST(Stem, EveryWayToStore) {
  Random random(4);
  for (const std::int64_t channels : {16, 24, 32, 48, 64, 80, 96, 112}) {
    for (const std::int32_t zero_point : {0, 77}) {
      SCOPED_TRACE(testing::Message() << channels << ' ' << zero_point);
      ConvolutionProblem problem = stem_problem(random, {9, 61, channels});
      make_saturating(random, problem, zero_point);
      problem.expect_all_kernels_exact(random);
      problem.lower = 3;
      problem.expect_all_kernels_exact(random);
    }
  }
}

TEST(Stem, OtherVerticalStridesAndDilations) {
  Random random(5);
  for (const std::int64_t stride : {1, 2, 3}) {
    for (const std::int64_t dilation : {1, 2, 5}) {
      ConvolutionProblem problem;
      problem.out_channels = 32;
      problem.output_height = 6;
      problem.output_width = 30;
      problem.add(random,
                  {.in_channels = 3,
                   .kernel_height = 3,
                   .kernel_width = 3,
                   .stride_height = stride,
                   .stride_width = 2,
                   .padding_top = 2,
                   .padding_left = 1,
                   .dilation_height = dilation},
                  9, 60);
      problem.add_requantization(random);
      problem.expect_all_kernels_exact(random);
    }
  }
}

TEST(Stem, IsPackedForItsKernelWhereThereIsOne) {
  Random random(6);
  const ConvolutionProblem problem = stem_problem(random, {9, 61, 32});
  for (const kernels::ConvolutionKernel* kernel : kernels::convolution_kernels()) {
    const kernels::PackedConvolution packed = kernels::pack(*kernel, problem.out_channels, problem.terms);
    EXPECT_EQ(packed.stem, kernel->stem != nullptr) << kernel->name;
  }
  kernels::ConvolutionTerm other = problem.terms[0];
  other.stride_width = 1;
  EXPECT_FALSE(kernels::pack(*kernels::convolution_kernels()[0], 32, {&other, 1}).stem);
}

}  // namespace
}  // namespace itrt::test
