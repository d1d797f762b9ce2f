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

// All operators of the sections that the program has.
std::vector<Stripe> all_in_stripes(const Program& program, std::int64_t rows) {
  std::vector<Stripe> stripes;
  const auto add = [&](Section section, std::size_t count) {
    if (count > 0) stripes.push_back({section, 0, static_cast<std::int64_t>(count) - 1, rows});
  };
  add(Section::stem, program.stem().size());
  add(Section::block, program.block().size());
  add(Section::head, program.head().size());
  return stripes;
}

void expect_no_allocation(const model::Program& model, int iterations) {
  const model::Size size{31, 23};
  const std::vector<std::uint8_t> image(31 * 23 * 3, 77);
  for (const Isa isa : detected_isas()) {
    const auto program = Program::load(test::to_file(model).bytes(), isa_name(isa));
    for (const int threads : {1, 2, 3}) {
      for (const std::vector<Stripe>& stripes : {std::vector<Stripe>(), all_in_stripes(*program, 2)}) {
        Session session(program, size, threads, Fusion::on, stripes);
        run(session, image, 1);
        const long before = allocations;
        run(session, image, iterations);
        EXPECT_EQ(allocations - before, 0)
            << isa_name(program->isa()) << ", " << threads << " threads, " << stripes.size() << " stripes";
      }
    }
  }
}

TEST(Allocation, NoneInARunAfterTheFirst) {
  expect_no_allocation(test::small_network(), 64);
  expect_no_allocation(test::small_network(5), 5);  // weights a step
  expect_no_allocation(test::counter(), 64);        // copies its state
  expect_no_allocation(test::feed_forward(), 1);
  expect_no_allocation(test::every_operator(), 1);
}

}  // namespace
}  // namespace itrt
