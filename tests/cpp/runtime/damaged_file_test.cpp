// Every byte of a model file, damaged: ModelFileError, or, where somebody put the checksum right again, a program that
// runs or reports a typed error. The sanitizers watch.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/errors.h"
#include "model/model_builder.h"
#include "runtime/labels.h"
#include "runtime/session.h"

namespace itrt {
namespace {

using Bytes = std::vector<std::uint8_t>;

// What a byte is flipped by: one bit each, or all.
constexpr std::uint8_t flips[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};

struct Case {
  Bytes file;
  std::size_t flips_a_byte;
};

// No byte of the weights is special: behind the header, one in so many is looked at.
constexpr std::size_t stride_in_weights = 7;

// The smallest file takes every flip of every byte; larger ones take turns.
std::vector<Case> cases() {
  return {{test::to_file(test::counter()).bytes(), std::size(flips)},
          {test::to_file(test::feed_forward()).bytes(), 1},
          {test::to_file(test::small_network(2)).bytes(), 1},
          {test::to_file(test::every_operator()).bytes(), 1}};
}

std::size_t header_end(const Bytes& file) {
  std::size_t length = 0;
  for (std::size_t byte = 8; byte-- > 0;) length = length << 8 | file[byte];
  return length + 8;
}

enum class Outcome { rejected, wrong_for_the_image, ran };

// Loads and runs; anything but a typed error escapes.
Outcome try_file(const Bytes& file) {
  std::shared_ptr<const Program> program;
  try {
    program = Program::load(file);
  } catch (const ModelFileError&) {
    return Outcome::rejected;
  }
  try {
    const model::Size size{9, 14};
    Session session(program, size, 1);
    session.start(Bytes(9 * 14 * 3, 100));
    const std::int64_t most = std::min<std::int64_t>(program->model().max_iterations.value_or(3), 3);
    for (std::int64_t i = 0; i < most; ++i) session.iterate();
    const TensorView logits = session.answer();
    std::vector<std::uint16_t> labels(9 * 14);
    compute_labels(logits.bytes, logits.size, logits.channels, size, program->isa(), 1, labels.data());
  } catch (const Error&) {
    return Outcome::wrong_for_the_image;
  }
  return Outcome::ran;
}

TEST(DamagedFile, WholeFilesRun) {
  for (const Case& each : cases()) EXPECT_EQ(try_file(each.file), Outcome::ran);
}

TEST(DamagedFile, EveryFlipIsAnError) {
  for (auto& [file, flips_a_byte] : cases()) {
    const std::size_t header = header_end(file);
    for (std::size_t at = 0; at < file.size(); ++at) {
      if (at >= header && flips_a_byte == 1 && at % stride_in_weights != 0) continue;
      for (std::size_t turn = 0; turn < flips_a_byte; ++turn) {
        const std::uint8_t flip = flips[(at + turn) % std::size(flips)];
        file[at] ^= flip;
        EXPECT_THROW(Program::load(file), ModelFileError) << "byte " << at << " xor " << int{flip};
        file[at] ^= flip;
      }
    }
  }
}

TEST(DamagedFile, EveryTruncationIsAnError) {
  for (auto& [file, flips_a_byte] : cases()) {
    while (!file.empty()) {
      file.pop_back();
      EXPECT_THROW(Program::load(file), ModelFileError) << file.size() << " bytes";
    }
  }
}

TEST(DamagedFile, EveryExtensionIsAnError) {
  for (const auto& [file, flips_a_byte] : cases()) {
    for (const std::size_t more : {1, 7, 8, 4096}) {
      Bytes longer = file;
      longer.resize(file.size() + more);
      EXPECT_THROW(Program::load(longer), ModelFileError);
      test::seal(longer);
      EXPECT_THROW(Program::load(longer), ModelFileError);
    }
  }
}

TEST(DamagedFile, AFlipWithARightChecksumIsAnErrorOrRuns) {
  int rejected = 0, ran = 0, wrong = 0;
  for (const auto& [good, flips_a_byte] : cases()) {
    const std::size_t header = header_end(good);
    for (std::size_t at = 0; at < good.size(); ++at) {
      if (at >= header && at % stride_in_weights != 0) continue;
      for (std::size_t turn = 0; turn < (flips_a_byte + 1) / 2; ++turn) {
        Bytes file = good;
        file[at] ^= flips[(at + turn) % std::size(flips)];
        test::seal(file);
        switch (try_file(file)) {
          case Outcome::rejected:
            ++rejected;
            break;
          case Outcome::wrong_for_the_image:
            ++wrong;
            break;
          case Outcome::ran:
            ++ran;
            break;
        }
      }
    }
  }
  // All three were met: digits and letters of names may change.
  EXPECT_GT(rejected, 1000);
  EXPECT_GT(ran, 100);
  EXPECT_GT(wrong, 0);
}

TEST(DamagedFile, ATruncationWithARightChecksumIsAnError) {
  for (auto& [file, flips_a_byte] : cases()) {
    while (file.size() > 1) {
      file.pop_back();
      test::seal(file);
      EXPECT_EQ(try_file(file), Outcome::rejected) << file.size() << " bytes";
    }
  }
}

}  // namespace
}  // namespace itrt
