#include "plan/problem.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/checked.h"

namespace itrt::plan {
namespace {

std::vector<std::size_t> find_twins(std::span<const Buffer> buffers) {
  using Rectangle = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
  std::map<std::pair<std::int64_t, std::vector<Rectangle>>, std::size_t> seen;
  std::vector<std::size_t> result;
  for (std::size_t buffer = 0; buffer < buffers.size(); ++buffer) {
    std::vector<Rectangle> rectangles;
    for (const Piece& piece : buffers[buffer].pieces) {
      rectangles.emplace_back(piece.begin, piece.end, piece.offset, piece.size);
    }
    result.push_back(seen.try_emplace({buffers[buffer].alignment, rectangles}, buffer).first->second);
  }
  return result;
}

std::vector<std::vector<Problem::Place>> find_places(std::size_t buffers,
                                                     const std::vector<std::vector<Member>>& sections) {
  std::vector<std::vector<Problem::Place>> result(buffers);
  for (std::size_t section = 0; section < sections.size(); ++section) {
    for (const Member& member : sections[section]) result[member.buffer].push_back({section, member.size});
  }
  return result;
}

std::vector<std::vector<Neighbor>> find_neighbors(const std::vector<std::vector<Problem::Place>>& places,
                                                  const std::vector<std::vector<Member>>& sections) {
  const std::size_t buffers = places.size();
  std::vector<std::vector<Neighbor>> result(buffers);
  std::vector<std::size_t> place(buffers, buffers);  // in the list of neighbors
  for (std::size_t buffer = 0; buffer < buffers; ++buffer) {
    std::vector<Neighbor>& neighbors = result[buffer];
    for (const auto& [section, size] : places[buffer]) {
      for (const Member& member : sections[section]) {
        if (member.buffer == buffer) continue;
        if (place[member.buffer] == buffers) {
          place[member.buffer] = neighbors.size();
          neighbors.push_back({member.buffer, 0, 0});
        }
        Neighbor& neighbor = neighbors[place[member.buffer]];
        neighbor.above = std::max(neighbor.above, size);
        neighbor.below = std::max(neighbor.below, member.size);
      }
    }
    for (const Neighbor& neighbor : neighbors) place[neighbor.buffer] = buffers;
  }
  return result;
}

}  // namespace

Problem describe(std::span<const Buffer> buffers, Sections sections) {
  Problem problem;
  std::int64_t divisor = 0;
  for (const Buffer& buffer : buffers) {
    problem.extents.push_back(extent(buffer));
    problem.alignments.push_back(buffer.alignment);
    problem.is_rectangle.push_back(buffer.pieces.size() == 1);
    divisor = std::gcd(divisor, buffer.alignment);
  }
  problem.divisor = std::max<std::int64_t>(divisor, 1);
  problem.twins = find_twins(buffers);
  problem.sections = std::move(sections);
  for (auto& members : problem.sections.members) {
    for (Member& member : members) member.size = round_up(member.size, problem.divisor);
  }
  problem.places = find_places(buffers.size(), problem.sections.members);
  problem.neighbors = find_neighbors(problem.places, problem.sections.members);
  return problem;
}

}  // namespace itrt::plan
