#include "run_integers.h"

#include <algorithm>

#include "base/errors.h"
#include "runtime/labels.h"
#include "runtime/session.h"

namespace itrt {
namespace {

void execute(const IntegersRun& run) {
  const auto program = Program::load({run.file, static_cast<std::size_t>(run.file_bytes)}, "portable");
  const model::Size size = {run.height, run.width};
  Session session(program, size, run.threads);
  session.start({run.image, static_cast<std::size_t>(run.height * run.width * 3)});
  for (std::int64_t i = 0; i < run.iterations; ++i) session.iterate();
  const TensorView logits = session.answer();
  std::copy(logits.bytes.begin(), logits.bytes.end(), run.logits);
  compute_labels(logits.bytes, logits.size, logits.channels, size, Isa::portable, run.threads, run.labels);
}

}  // namespace
}  // namespace itrt

bool itrt_run_integers(const IntegersRun* run) {
  try {
    itrt::execute(*run);
  } catch (const itrt::Error&) {
    return false;
  }
  return true;
}
