// Session, thinly, with what tests and the profile look at: copies of tensors, and times.
#include "runtime/session.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/stripes.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

using SharedProgram = std::shared_ptr<const Program>;

ByteArray to_array(const TensorView& view) {
  ByteArray result({view.size.height, view.size.width, view.channels});
  std::memcpy(result.mutable_data(), view.bytes.data(), view.bytes.size());
  return result;
}

using OptionalToken = std::optional<std::shared_ptr<const CancelToken>>;  // so that Python sees `CancelToken | None`

const CancelToken* token_of(const OptionalToken& cancel) { return cancel ? cancel->get() : nullptr; }

// What may end a call: a token, and its own time from now on. None: nothing, then nothing is asked and no state is
// kept.
std::optional<Interruption> interruption_of(const OptionalToken& cancel, std::optional<double> seconds) {
  constexpr double endless = 1e9;  // more would leave the clock's range
  if (!(seconds && *seconds < endless)) seconds.reset();
  if (!cancel && !seconds) return std::nullopt;
  Interruption result{token_of(cancel)};
  if (seconds) {
    using Seconds = std::chrono::duration<double>;
    const Seconds wait(std::max(*seconds, 0.0));
    result.until = Interruption::Clock::now() + std::chrono::duration_cast<Interruption::Clock::duration>(wait);
  }
  return result;
}

// A session that can keep copies of chosen tensors as they are written, and the time that each took.
class RecordingSession {
 public:
  RecordingSession(const SharedProgram& program, std::int64_t height, std::int64_t width, int threads, bool fusion,
                   const std::vector<StripeRow>& stripes)
      : session_(program, {height, width}, threads, fusion ? Fusion::on : Fusion::off, stripes_of(stripes)),
        wanted_(program->model().tensors.size(), false) {}

  void record(const std::vector<std::size_t>& tensors) {
    wanted_.assign(wanted_.size(), false);
    for (const std::size_t index : tensors) wanted_.at(index) = true;
    recording_ = !tensors.empty();
  }

  void start(const ByteArray& image, const OptionalToken& cancel, std::optional<double> seconds) {
    const std::span bytes = bytes_of(image);
    const auto interruption = interruption_of(cancel, seconds);
    with_tap([&](const Session::Tap* tap) { session_.start(bytes, tap, interruption ? &*interruption : nullptr); });
  }

  void mix_state(const ByteArray& other, std::int64_t weight, std::int64_t first_step) {
    session_.mix_state(bytes_of(other), weight, first_step);
  }

  ByteArray state() const { return to_array(session_.state()); }

  void iterate(const OptionalToken& cancel, std::optional<double> seconds) {
    const auto interruption = interruption_of(cancel, seconds);
    with_tap([&](const Session::Tap* tap) { session_.iterate(tap, interruption ? &*interruption : nullptr); });
  }

  ByteArray answer() {
    const model::Size size = session_.logits_size();
    ByteArray result({size.height, size.width, session_.classes()});
    std::uint8_t* const logits = result.mutable_data();
    with_tap([&](const Session::Tap* tap) { session_.answer(tap, logits); });
    return result;
  }

  // What was recorded since the last call: (tensor, array) in the order of execution.
  py::list take() {
    py::list result;
    for (auto& [view, bytes] : records_) {
      view.bytes = bytes;
      result.append(py::make_tuple(view.index, to_array(view)));
    }
    records_.clear();
    return result;
  }

  void measure(bool enabled) { measuring_ = enabled; }

  // What was measured since the last call, in the order of execution: (tensor, height, width, seconds that writing it
  // took). What a call did after its last tensor, such as copying the state, comes with a tensor of None.
  py::list take_times() {
    py::list result;
    for (const auto& [view, duration] : times_) {
      const std::optional<model::TensorIndex> tensor = view ? std::optional(view->index) : std::nullopt;
      const model::Size size = view ? view->size : model::Size{};
      result.append(py::make_tuple(tensor, size.height, size.width, std::chrono::duration<double>(duration).count()));
    }
    times_.clear();
    return result;
  }

  const Session& session() const { return session_; }

 private:
  using Clock = std::chrono::steady_clock;

  template <class Function>
  void with_tap(Function function) {
    const GilRelease release;
    if (!recording_ && !measuring_) return function(nullptr);
    const auto keep = [this](const TensorView& view) {
      if (measuring_) add_time(view);
      if (wanted_[static_cast<std::size_t>(view.index)]) {
        records_.emplace_back(view, std::vector(view.bytes.begin(), view.bytes.end()));
      }
      if (measuring_) last_reading_ = Clock::now();
    };
    const Session::Tap tap(keep);
    last_reading_ = Clock::now();
    function(&tap);
    if (measuring_) add_time(std::nullopt);
  }

  void add_time(const std::optional<TensorView>& view) { times_.emplace_back(view, Clock::now() - last_reading_); }

  Session session_;
  bool recording_ = false;
  std::vector<bool> wanted_;
  std::vector<std::pair<TensorView, std::vector<std::uint8_t>>> records_;
  bool measuring_ = false;
  Clock::time_point last_reading_;
  std::vector<std::pair<std::optional<TensorView>, Clock::duration>> times_;
};

}  // namespace

void register_session(py::module_& module) {
  py::classh<CancelToken>(module, "CancelToken", R"(Ends runs from outside: any thread may cancel it, once and for good.

A run that was given it ends before its next operator; what is done is kept. One token may be given to many runs.
A token that is made with a parent is cancelled with it, too.)")
      .def(
          py::init([](const OptionalToken& parent) { return std::make_shared<CancelToken>(parent.value_or(nullptr)); }),
          py::arg("parent") = py::none())
      .def("cancel", &CancelToken::cancel, "End the runs that were given this token, now and from now on.")
      .def_property_readonly("cancelled", &CancelToken::cancelled, "Whether it was cancelled.");
  py::class_<RecordingSession>(module, "Session", "One run of a program on images of one size.")
      .def(py::init<const SharedProgram&, std::int64_t, std::int64_t, int, bool, const std::vector<StripeRow>&>(),
           py::arg("program"), py::arg("height"), py::arg("width"), py::arg("threads"), py::arg("fusion") = true,
           py::arg("stripes") = std::vector<StripeRow>())
      .def("record", &RecordingSession::record, py::arg("tensors"))
      .def("start", &RecordingSession::start, py::arg("image"), py::arg("cancel") = py::none(),
           py::arg("seconds") = py::none())
      .def("mix_state", &RecordingSession::mix_state, py::arg("other"), py::arg("weight"), py::arg("first_step"))
      .def("state", &RecordingSession::state)
      .def("iterate", &RecordingSession::iterate, py::arg("cancel") = py::none(), py::arg("seconds") = py::none())
      .def("answer", &RecordingSession::answer)
      .def("take", &RecordingSession::take)
      .def("measure", &RecordingSession::measure, py::arg("enabled"))
      .def("take_times", &RecordingSession::take_times)
      .def_property_readonly("iterations_done",
                             [](const RecordingSession& self) { return self.session().iterations_done(); })
      .def_property_readonly("arena_bytes", [](const RecordingSession& self) { return self.session().arena_bytes(); });
}

}  // namespace itrt::bindings
