// Packing: which runs a convolution reads, how its output channels are cut into blocks, and the weights in that order.
//
// Groups. A block of output channels must see one range of channels of every input, so the output is cut into
// PARTITIONS of n channels; n is the cheapest that neither splits a group unevenly nor wastes most of a vector:
//
//   64 channels, 8 groups of 8, vectors of 16:   n = 8   8 of 16 lanes used
//                                                n = 16  two groups a partition, the weights between them zero
#include <algorithm>
#include <limits>
#include <string>

#include "base/checked.h"
#include "base/errors.h"
#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/grouped.h"
#include "kernels/convolution/stem.h"
#include "kernels/convolution/stem_kernel.h"

namespace itrt::kernels {

PackedConvolution::PackedConvolution() = default;
PackedConvolution::PackedConvolution(PackedConvolution&&) noexcept = default;
PackedConvolution& PackedConvolution::operator=(PackedConvolution&&) noexcept = default;
PackedConvolution::~PackedConvolution() = default;

namespace {

constexpr std::int64_t longest_gathered_run = 16;

// Of a segment of `bytes` bytes.
std::int64_t quads(const ConvolutionKernel& kernel, std::int64_t bytes) {
  return round_up((bytes + 3) / 4, kernel.quads_a_step);
}

// The input channels of `term` that `count` output channels from `first` on read.
struct ChannelRange {
  std::int64_t first, count;
};

ChannelRange input_channels(const ConvolutionTerm& term, std::int64_t out_channels, std::int64_t first,
                            std::int64_t count) {
  const std::int64_t group_outputs = out_channels / term.groups, group_inputs = term.in_channels / term.groups;
  const std::int64_t first_group = first / group_outputs, last_group = (first + count - 1) / group_outputs;
  return {first_group * group_inputs, (last_group - first_group + 1) * group_inputs};
}

void check(std::int64_t out_channels, const ConvolutionTerm& term, std::size_t index) {
  const auto positive = [](std::int64_t value) { return value > 0; };
  const std::string name = "convolution term " + std::to_string(index);
  if (!positive(out_channels) || !positive(term.in_channels) || !positive(term.kernel_height) ||
      !positive(term.kernel_width) || !positive(term.stride_height) || !positive(term.stride_width) ||
      !positive(term.dilation_height) || !positive(term.dilation_width) || !positive(term.groups)) {
    throw InvalidArgument(name + ": expected positive channels, kernel, stride, dilation and groups");
  }
  if (out_channels % term.groups || term.in_channels % term.groups) {
    throw InvalidArgument(name + ": expected groups that divide " + std::to_string(term.in_channels) + " and " +
                          std::to_string(out_channels) + " channels, found " + std::to_string(term.groups));
  }
  const std::int64_t expected =
      out_channels * term.kernel_height * term.kernel_width * (term.in_channels / term.groups);
  if (static_cast<std::int64_t>(term.weight.size()) != expected) {
    throw InvalidArgument(name + ": expected " + std::to_string(expected) + " weights, found " +
                          std::to_string(term.weight.size()));
  }
  if (term.zero_points.size() != 1 && static_cast<std::int64_t>(term.zero_points.size()) != term.in_channels) {
    throw InvalidArgument(name + ": expected 1 or " + std::to_string(term.in_channels) + " zero points, found " +
                          std::to_string(term.zero_points.size()));
  }
}

// Multiplications of a pixel, in quads times vectors, with partitions of `count` channels; -1 where a group is split.
std::int64_t partition_cost(std::span<const ConvolutionTerm> terms, std::int64_t out_channels, std::int64_t count,
                            const ConvolutionKernel& kernel) {
  std::int64_t reads = 0;
  for (const ConvolutionTerm& term : terms) {
    const std::int64_t group_outputs = out_channels / term.groups;
    if (count % group_outputs && group_outputs % count) return -1;
    reads += term.kernel_height * term.kernel_width * quads(kernel, input_channels(term, out_channels, 0, count).count);
  }
  return out_channels / count * ((count + kernel.vector_width - 1) / kernel.vector_width) * reads;
}

std::int64_t choose_partition(std::span<const ConvolutionTerm> terms, std::int64_t out_channels,
                              const ConvolutionKernel& kernel) {
  std::int64_t best = out_channels, best_cost = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t count = out_channels; count >= 1; --count) {
    if (out_channels % count) continue;
    const std::int64_t cost = partition_cost(terms, out_channels, count, kernel);
    if (cost >= 0 && cost < best_cost) best = count, best_cost = cost;
  }
  return best;
}

// Which kernel multiplies which term.
struct Division {
  std::vector<const GroupedKernel*> grouped;  // one a term; null: it is dense
  std::vector<ConvolutionTerm> dense;
  std::int64_t partition_channels = 0;  // of the dense terms
};

Division divide(std::span<const ConvolutionTerm> terms, const std::vector<const GroupedKernel*>& grouped,
                std::int64_t out_channels, const ConvolutionKernel& kernel) {
  Division division = {grouped, {}, out_channels};
  for (std::size_t t = 0; t < terms.size(); ++t) {
    if (!grouped[t]) division.dense.push_back(terms[t]);
  }
  if (!division.dense.empty()) {
    division.partition_channels = choose_partition(division.dense, out_channels, kernel);
  }
  return division;
}

// Terms that a grouped kernel takes are its own, unless the dense terms' partitions would cut its groups.
Division divide(std::span<const ConvolutionTerm> terms, std::int64_t out_channels, const ConvolutionKernel& kernel) {
  std::vector<const GroupedKernel*> grouped;
  for (const ConvolutionTerm& term : terms) grouped.push_back(select_grouped(kernel.isa, term, out_channels));
  while (true) {
    Division division = divide(terms, grouped, out_channels, kernel);
    const bool whole = division.partition_channels == out_channels;
    const auto cut = std::find_if(grouped.begin(), grouped.end(), [&](const GroupedKernel* each) {
      return each && !whole && division.partition_channels % each->group;
    });
    if (cut == grouped.end()) return division;
    *cut = nullptr;
  }
}

std::vector<ConvolutionRun> list_runs(std::span<const ConvolutionTerm> terms,
                                      std::span<const GroupedKernel* const> grouped, bool whole_pixels) {
  std::vector<ConvolutionRun> runs;
  std::int64_t padding_offset = 0;
  for (std::size_t t = 0; t < terms.size(); ++t) {
    if (grouped[t]) continue;
    const ConvolutionTerm& term = terms[t];
    // Neighbouring taps are one run where nothing lies between the bytes that are read.
    const bool rows = term.dilation_width == 1 && (term.groups == 1 || whole_pixels);
    const std::int64_t taps = rows ? term.kernel_width : 1;
    for (std::int64_t row = 0; row < term.kernel_height; ++row) {
      for (std::int64_t column = 0; column < term.kernel_width; column += taps) {
        runs.push_back({.term = static_cast<std::int64_t>(t),
                        .kernel_row = row,
                        .kernel_column = column,
                        .taps = taps,
                        .bytes = taps * term.in_channels,
                        .padding_offset = padding_offset});
      }
    }
    padding_offset += round_up(taps * term.in_channels + static_cast<std::int64_t>(input_slack), cache_line);
  }
  return runs;
}

// Writes one run's weights of one block at byte `position` of the segment: quads[position / 4][lane][position % 4].
void place_run(std::vector<std::int8_t>& segment, std::int64_t position, const ConvolutionRun& run,
               const ConvolutionTerm& term, const ConvolutionOutputBlock& block, const PackedConvolution& packed,
               const ChannelRange& range) {
  const std::int64_t group_inputs = term.in_channels / term.groups, group_outputs = packed.out_channels / term.groups;
  for (std::int64_t lane = 0; lane < block.width; ++lane) {
    const std::int64_t in_block = packed.kernel->channel_of_lane(block.width, lane);
    if (in_block >= block.channels) continue;
    const std::int64_t channel = block.first_channel + in_block;
    const std::int64_t shift = channel / group_outputs * group_inputs - range.first;
    for (std::int64_t tap = 0; tap < run.taps; ++tap) {
      const std::int64_t row = channel * term.kernel_height + run.kernel_row;
      const std::int8_t* source =
          term.weight.data() + (row * term.kernel_width + run.kernel_column + tap) * group_inputs;
      for (std::int64_t c = 0; c < group_inputs; ++c) {
        const std::int64_t byte = position + tap * range.count + shift + c;
        const std::int64_t at = packed.stem ? stem_position(byte) : byte;
        segment[static_cast<std::size_t>((at / 4 * block.width + lane) * 4 + at % 4)] = source[c];
      }
    }
  }
}

void pack_padding(PackedConvolution& packed, std::span<const ConvolutionTerm> terms) {
  const ConvolutionRun& last = packed.runs.back();
  packed.padding = AlignedBuffer(static_cast<std::size_t>(last.padding_offset + last.bytes) + input_slack);
  for (const ConvolutionRun& run : packed.runs) {
    const ConvolutionTerm& term = terms[static_cast<std::size_t>(run.term)];
    std::uint8_t* out = packed.padding.as<std::uint8_t>() + run.padding_offset;
    for (std::int64_t i = 0; i < run.bytes; ++i) {
      out[i] = term.zero_points[term.zero_points.size() == 1 ? 0 : static_cast<std::size_t>(i % term.in_channels)];
    }
  }
}

// What every output channel's weights add up to: times the zero points, and at most and at least whatever the input.
void sum_weights(PackedConvolution& packed, std::span<const ConvolutionTerm> terms) {
  const auto channels = static_cast<std::size_t>(packed.out_channels);
  packed.zero_point_sum.assign(channels, 0);
  packed.lowest_sum.assign(channels, 0);
  packed.highest_sum.assign(channels, 0);
  for (const ConvolutionTerm& term : terms) {
    const std::int64_t group_inputs = term.in_channels / term.groups, group_outputs = packed.out_channels / term.groups;
    const std::int64_t taps = term.kernel_height * term.kernel_width;
    const std::int8_t* weight = term.weight.data();
    for (std::size_t o = 0; o < channels; ++o) {
      std::int64_t sum = 0;
      const std::int64_t first = static_cast<std::int64_t>(o) / group_outputs * group_inputs;
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        for (std::int64_t c = 0; c < group_inputs; ++c) {
          const std::int64_t value = *weight++;
          sum += value * term.zero_points[term.zero_points.size() == 1 ? 0 : static_cast<std::size_t>(first + c)];
          (value < 0 ? packed.lowest_sum : packed.highest_sum)[o] += 255 * value;
        }
      }
      packed.zero_point_sum[o] += static_cast<std::int32_t>(sum);
    }
  }
}

// Whether runs in the padding may be skipped: those of one term with one zero point, and of more kernel rows than one.
bool may_skip(const PackedConvolution& packed, std::span<const ConvolutionTerm> terms) {
  const ConvolutionRun &first = packed.runs.front(), &last = packed.runs.back();
  return !packed.gathered && first.term == last.term && first.kernel_row != last.kernel_row &&
         terms[static_cast<std::size_t>(first.term)].zero_points.size() == 1;
}

// Of the first terms, all of which are dense; none where some term is not, and has sums of its own to start from.
std::int64_t count_hoisted_runs(const PackedConvolution& packed, std::size_t hoisted_terms, const Division& division) {
  if (division.dense.size() < division.grouped.size()) return 0;
  return std::count_if(packed.runs.begin(), packed.runs.end(),
                       [&](const ConvolutionRun& run) { return static_cast<std::size_t>(run.term) < hoisted_terms; });
}

// A run's weights of one block, [quad][lane][4], times the zero point.
void subtract_zero_points(PackedConvolution& packed, std::size_t run, const ConvolutionOutputBlock& block,
                          std::span<const std::int8_t> weights, std::uint8_t zero_point) {
  std::int32_t* starts = packed.run_starts.as<std::int32_t>() + static_cast<std::int64_t>(run) * packed.lanes;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    starts[block.first_lane + static_cast<std::int64_t>(i) / 4 % block.width] -= weights[i] * zero_point;
  }
}

void cut_blocks(PackedConvolution& packed, std::int64_t partition_channels, std::int64_t segment_quads) {
  const ConvolutionKernel& kernel = *packed.kernel;
  std::size_t offset = 0;
  for (std::int64_t partition = 0; partition * partition_channels < packed.out_channels; ++partition) {
    for (std::int64_t done = 0; done < partition_channels;) {
      const std::int64_t left = partition_channels - done;
      const std::int64_t vectors = kernel.block_vectors((left + kernel.vector_width - 1) / kernel.vector_width);
      const std::int64_t width = vectors * kernel.vector_width, channels = std::min(left, width);
      packed.blocks.push_back(
          {partition * partition_channels + done, channels, width, partition, offset, packed.lanes});
      offset += static_cast<std::size_t>(round_up(segment_quads * width * kernel.bytes_a_quad, cache_line));
      packed.lanes += width;
      done += channels;
    }
  }
  packed.weights = AlignedBuffer(offset);
}

// Of the kernels of grouped terms, of which there is one at least.
std::int64_t narrowest_width(std::span<const GroupedKernel* const> grouped) {
  std::int64_t width = std::numeric_limits<std::int64_t>::max();
  for (const GroupedKernel* kernel : grouped) {
    if (kernel) width = std::min(width, kernel->width);
  }
  return width;
}

// Where no term is dense: the blocks of the narrowest kernel.
void cut_grouped_blocks(PackedConvolution& packed, std::span<const GroupedKernel* const> grouped) {
  const std::int64_t width = narrowest_width(grouped);
  for (std::int64_t first = 0; first < packed.out_channels; first += width) {
    packed.blocks.push_back({.first_channel = first,
                             .channels = std::min(width, packed.out_channels - first),
                             .width = width,
                             .first_lane = packed.lanes});
    packed.lanes += width;
  }
}

// From lanes to output channels.
void list_channels(PackedConvolution& packed) {
  packed.channel_of_lane.assign(static_cast<std::size_t>(packed.lanes), -1);
  for (const ConvolutionOutputBlock& block : packed.blocks) {
    for (std::int64_t lane = 0; lane < block.width; ++lane) {
      const std::int64_t channel = packed.kernel->channel_of_lane(block.width, lane);
      if (channel >= block.channels) continue;
      packed.channel_of_lane[static_cast<std::size_t>(block.first_lane + lane)] =
          static_cast<std::int32_t>(block.first_channel + channel);
    }
  }
}

// A dense kernel's blocks may be narrower than those of the grouped terms: neighbours that fit are one of theirs.
void join_blocks(PackedConvolution& packed, std::int64_t width) {
  for (const ConvolutionOutputBlock& block : packed.blocks) {
    if (!packed.grouped_blocks.empty()) {
      GroupedOutputBlock& last = packed.grouped_blocks.back();
      if (last.channels == last.width && last.width + block.width <= width) {
        last.channels += block.channels;
        last.width += block.width;
        last.is_joined = true;
        continue;
      }
    }
    packed.grouped_blocks.push_back({.first_channel = block.first_channel,
                                     .channels = block.channels,
                                     .width = block.width,
                                     .first_lane = block.first_lane});
  }
}

void pack_grouped_terms(PackedConvolution& packed, std::span<const ConvolutionTerm> terms,
                        std::span<const GroupedKernel* const> grouped) {
  if (std::all_of(grouped.begin(), grouped.end(), [](const GroupedKernel* kernel) { return kernel == nullptr; }))
    return;
  join_blocks(packed, narrowest_width(grouped));
  for (std::size_t t = 0; t < terms.size(); ++t) {
    if (!grouped[t]) continue;
    packed.grouped.push_back(pack_grouped(*grouped[t], packed, terms[t], static_cast<std::int64_t>(t)));
  }
}

}  // namespace

PackedConvolution pack(const ConvolutionKernel& kernel, std::int64_t out_channels,
                       std::span<const ConvolutionTerm> terms, std::size_t hoisted_terms) {
  if (terms.empty()) throw InvalidArgument("convolution: expected at least one term, found none");
  if (hoisted_terms >= terms.size()) {
    throw InvalidArgument("convolution: expected fewer than " + std::to_string(terms.size()) +
                          " hoisted terms, found " + std::to_string(hoisted_terms));
  }
  for (std::size_t t = 0; t < terms.size(); ++t) check(out_channels, terms[t], t);

  PackedConvolution packed;
  packed.kernel = &kernel;
  packed.out_channels = out_channels;
  packed.terms.assign(terms.begin(), terms.end());
  for (ConvolutionTerm& term : packed.terms) term.weight = {}, term.zero_points = {};

  const Division division = divide(terms, out_channels, kernel);
  if (division.dense.empty()) {
    cut_grouped_blocks(packed, division.grouped);
    list_channels(packed);
    pack_grouped_terms(packed, terms, division.grouped);
    sum_weights(packed, terms);
    return packed;
  }
  const std::int64_t partition_channels = division.partition_channels;
  const bool whole_pixels = partition_channels == out_channels;
  packed.runs = list_runs(terms, division.grouped, whole_pixels);

  std::int64_t bytes = 0, quads_of_runs = 0;
  for (ConvolutionRun& run : packed.runs) {
    bytes += run.bytes;
    quads_of_runs += quads(kernel, run.bytes);
    if (run.taps == 1) continue;
    run.assembly_offset = packed.assembly_bytes;
    packed.assembly_bytes += round_up(run.bytes, 16) + 16;
  }
  // Copying pays only where that saves multiplications and a pixel's runs are few bytes: images of three channels.
  const bool short_runs = std::all_of(packed.runs.begin(), packed.runs.end(),
                                      [](const ConvolutionRun& run) { return run.bytes <= longest_gathered_run; });
  packed.gathered = terms.size() == 1 && packed.runs.size() == gathered_runs && whole_pixels && short_runs &&
                    bytes <= gathered_pitch && quads(kernel, bytes) < quads_of_runs;
  packed.stem = packed.gathered && kernel.stem && is_stem(terms.front());
  packed.segment_count = packed.gathered ? 1 : static_cast<std::int64_t>(packed.runs.size());
  packed.hoisted_runs = count_hoisted_runs(packed, hoisted_terms, division);

  const auto range_of = [&](const ConvolutionRun& run, std::int64_t partition) {
    return input_channels(terms[static_cast<std::size_t>(run.term)], out_channels, partition * partition_channels,
                          partition_channels);
  };
  for (std::int64_t partition = 0; partition < out_channels / partition_channels; ++partition) {
    if (packed.gathered) {
      packed.segments.push_back({quads(kernel, bytes), 0});
      continue;
    }
    for (const ConvolutionRun& run : packed.runs) {
      const ChannelRange range = range_of(run, partition);
      packed.segments.push_back({quads(kernel, run.taps * range.count), range.first});
    }
  }
  std::int64_t segment_quads = 0;  // the same for every partition
  for (std::int64_t s = 0; s < packed.segment_count; ++s)
    segment_quads += packed.segments[static_cast<std::size_t>(s)].quads;
  cut_blocks(packed, partition_channels, segment_quads);
  list_channels(packed);

  const bool skips = may_skip(packed, terms);
  if (skips) {
    const std::size_t starts = packed.runs.size() * static_cast<std::size_t>(packed.lanes);
    packed.run_starts = AlignedBuffer(starts * sizeof(std::int32_t));
  }
  std::vector<std::int8_t> segment;
  for (const ConvolutionOutputBlock& block : packed.blocks) {
    std::byte* out = packed.weights.data() + block.weights_offset;
    std::size_t next = 0;  // run
    for (std::int64_t s = 0; s < packed.segment_count; ++s) {
      const std::int64_t count =
          packed.segments[static_cast<std::size_t>(block.partition * packed.segment_count + s)].quads;
      segment.assign(static_cast<std::size_t>(count * block.width * 4), 0);
      std::int64_t position = 0;
      do {
        const ConvolutionRun& run = packed.runs[next++];
        const ChannelRange range = range_of(run, block.partition);
        place_run(segment, position, run, terms[static_cast<std::size_t>(run.term)], block, packed, range);
        position += run.taps * range.count;
      } while (packed.gathered && next < packed.runs.size());
      if (skips) {
        const ConvolutionTerm& term = terms[static_cast<std::size_t>(packed.runs.front().term)];
        subtract_zero_points(packed, static_cast<std::size_t>(s), block, segment, term.zero_points.front());
      }
      for (std::int64_t q = 0; q < count; ++q) {
        kernel.pack_quad(segment.data() + q * block.width * 4, block.width, out);
        out += block.width * kernel.bytes_a_quad;
      }
    }
  }
  pack_padding(packed, terms);
  pack_grouped_terms(packed, terms, division.grouped);
  sum_weights(packed, terms);
  return packed;
}

}  // namespace itrt::kernels
