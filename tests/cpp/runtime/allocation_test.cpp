// A run allocates nothing after the first of its size: the whole program's operator new is counted.
#include <gtest/gtest.h>

#include "model/model_builder.h"
#include "runtime/counting_new.h"
#include "runtime/session.h"

namespace itrt {
namespace {

using test::allocations;

TEST(Allocation, IsCounted) {
  const long before = allocations;
  const std::vector<int> some(10, 1);
  EXPECT_EQ(allocations, before + 1);
  EXPECT_EQ(some.back(), 1);
}

void run(Session& session, const std::vector<std::uint8_t>& image, int iterations) {
  session.start(image);
  for (int i = 0; i < iterations; ++i) {
    session.iterate();
    session.answer();
  }
}

void expect_no_allocation(const model::Program& model, int iterations) {
  const model::Size size{31, 23};
  const std::vector<std::uint8_t> image(31 * 23 * 3, 77);
  for (const Isa isa : detected_isas()) {
    const auto program = Program::load(test::to_file(model).bytes(), isa_name(isa));
    for (const int threads : {1, 2, 3}) {
      Session session(program, size, threads);
      run(session, image, 1);
      const long before = allocations;
      run(session, image, iterations);
      EXPECT_EQ(allocations - before, 0) << isa_name(program->isa()) << ", " << threads << " threads";
    }
  }
}

TEST(Allocation, NoneInARunAfterTheFirst) {
  expect_no_allocation(test::small_network(), 64);
  expect_no_allocation(test::small_network(5), 5);  // weights a step
  expect_no_allocation(test::counter(), 64);        // copies its state
  expect_no_allocation(test::feed_forward(), 1);
}

}  // namespace
}  // namespace itrt
