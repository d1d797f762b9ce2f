#include "plan/sections.h"

#include <algorithm>
#include <map>

namespace itrt::plan {
namespace {

using Members = std::vector<Member>;

// Whether every member of `a` is in `b`, with at most the size it has there.
bool is_within(const Members& a, const Members& b) {
  auto other = b.begin();
  return std::all_of(a.begin(), a.end(), [&](const Member& member) {
    while (other != b.end() && other->buffer < member.buffer) ++other;
    return other != b.end() && other->buffer == member.buffer && member.size <= other->size;
  });
}

std::vector<std::vector<Run>> runs_of(std::size_t buffers, const std::vector<Members>& sections) {
  std::vector<std::vector<Run>> runs(buffers);
  for (std::size_t section = 0; section < sections.size(); ++section) {
    for (const Member& member : sections[section]) {
      std::vector<Run>& own = runs[member.buffer];
      if (!own.empty() && own.back().last + 1 == section) {
        own.back().last = section;
      } else {
        own.push_back({section, section});
      }
    }
  }
  return runs;
}

}  // namespace

std::optional<Sections> find_sections(std::span<const Buffer> buffers, std::size_t most_members) {
  struct Event {
    std::int64_t time;
    std::size_t buffer;
    std::int64_t size;  // 0: it ends
  };
  std::vector<Event> events;
  for (std::size_t index = 0; index < buffers.size(); ++index) {
    for (const Piece& piece : buffers[index].pieces) {
      if (!is_occupied(piece)) continue;
      events.push_back({piece.begin, index, piece.offset + piece.size});
      events.push_back({piece.end, index, 0});
    }
  }
  // What ends goes first, so that a piece that follows another of its buffer takes over.
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.time != b.time ? a.time<b.time : (a.size == 0)>(b.size == 0);
  });
  Sections result;
  std::map<std::size_t, std::int64_t> alive;
  std::size_t count = 0;
  for (auto event = events.begin(); event != events.end();) {
    const std::int64_t time = event->time;
    for (; event != events.end() && event->time == time; ++event) {
      if (event->size == 0) {
        alive.erase(event->buffer);
      } else {
        alive[event->buffer] = event->size;
      }
    }
    Members members;
    for (const auto& [buffer, size] : alive) members.push_back({buffer, size});
    if (!result.members.empty() && is_within(members, result.members.back())) continue;
    if (!result.members.empty() && is_within(result.members.back(), members)) {
      count -= result.members.back().size();
      result.members.pop_back();
    }
    count += members.size();
    if (count > most_members) return std::nullopt;
    result.members.push_back(std::move(members));
  }
  result.runs = runs_of(buffers.size(), result.members);
  return result;
}

}  // namespace itrt::plan
