// Sums in memory -> bytes, for kernels of AVX512 that do not finish a tile in registers. Included by files that are
// compiled for AVX512 alone; internal linkage: each compiles its own copy.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/convolution/convolution_avx512_tile.h"

namespace itrt::kernels {
namespace {

// Sums in memory, [pixel][vectors * 16], on their way to where the block's go, a piece of up to four vectors at a time.
// All of it is inlined, so that its members are registers.
template <int vectors, ConvolutionResult result>
class Finisher {
 public:
  static constexpr std::int64_t pixels_a_piece = piece_pixels(vectors);
  using Element = std::conditional_t<result == ConvolutionResult::sum, std::int32_t, std::uint8_t>;

  // Pixels from the block's `first` on are what is to come.
  [[gnu::always_inline]] explicit Finisher(const ConvolutionBlock& block, std::int64_t first = 0)
      : limits_(block),
        offsets_(block),
        scales_(block.scale),
        output_(static_cast<Element*>(block.output) + first * block.output_stride),
        stride_(block.output_stride),
        channels_(static_cast<std::size_t>(block.channels)) {}

  // Of the next `pixels` pixels.
  [[gnu::always_inline]] void begin(const std::int32_t* sums, std::int64_t pixels) {
    sums_ = sums;
    left_ = pixels;
  }

  // The next `count` whole pieces, as far as there are so many.
  [[gnu::always_inline]] void advance(std::int64_t count) {
    for (; count > 0 && left_ >= pixels_a_piece; --count) finish_piece();
  }

  [[gnu::always_inline]] void finish() {
#pragma GCC unroll 1  // it is inlined often
    while (left_ >= pixels_a_piece) finish_piece();
    if (left_ > 0) finish_part();
  }

 private:
  static constexpr int piece_vectors = piece_pixels(vectors) * vectors;

  [[gnu::always_inline]] __m512i bytes() const {
    __m512i sum[piece_vectors];
#pragma GCC unroll 4
    for (int i = 0; i < piece_vectors; ++i) sum[i] = _mm512_load_si512(sums_ + i * lanes);
    return requantize<vectors, result>(sum, scales_, offsets_, limits_);
  }

  [[gnu::always_inline]] void finish_piece() {
    if constexpr (result == ConvolutionResult::sum) {
#pragma GCC unroll 4
      for (int i = 0; i < piece_vectors; ++i) store_sum(sums_, output_, stride_, i);
    } else {
      store_pixels<vectors, false>(output_, stride_, bytes(), limits_);
    }
    sums_ += piece_vectors * lanes;
    output_ += pixels_a_piece * stride_;
    left_ -= pixels_a_piece;
  }

  // The last piece, which has fewer pixels.
  [[gnu::always_inline]] void finish_part() {
    if constexpr (result == ConvolutionResult::sum) {
      store_part_of_sums(sums_, output_, stride_, left_);
    } else {
      store_part(bytes(), output_, stride_, left_, channels_);
    }
    left_ = 0;
  }

  [[gnu::always_inline]] static void store_sum(const std::int32_t* sums, std::int32_t* output, std::int64_t stride,
                                               std::int64_t i) {
    _mm512_storeu_si512(output + i / vectors * stride + i % vectors * lanes, _mm512_load_si512(sums + i * lanes));
  }

  [[gnu::noinline]] static void store_part_of_sums(const std::int32_t* sums, std::int32_t* output, std::int64_t stride,
                                                   std::int64_t pixels) {
    for (std::int64_t i = 0; i < pixels * vectors; ++i) store_sum(sums, output, stride, i);
  }

  [[gnu::noinline]] static void store_part(__m512i bytes, std::uint8_t* output, std::int64_t stride,
                                           std::int64_t pixels, std::size_t channels) {
    alignas(64) std::uint8_t stored[64];
    _mm512_store_si512(stored, bytes);
    for (std::int64_t p = 0; p < pixels; ++p) std::memcpy(output + p * stride, stored + p * vectors * lanes, channels);
  }

  const Limits limits_;
  const Offsets<vectors, result> offsets_;
  const ScalesInRegisters<vectors> scales_;
  Element* output_;
  const std::int64_t stride_;
  const std::size_t channels_;
  const std::int32_t* sums_ = nullptr;
  std::int64_t left_ = 0;
};

}  // namespace
}  // namespace itrt::kernels
