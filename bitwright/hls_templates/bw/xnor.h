// SPDX-License-Identifier: Apache-2.0
// y[j] = how many i have x[i] = weight[j][i], plus bias[j]: the dense layer of bipolar codes.
#ifndef BW_XNOR_H
#define BW_XNOR_H

#include "beat.h"

namespace bw {

// As in dense.h. A word's missing columns are ones: they never match padding, which is 0.
// Several pixels at a time share the weights: `run` columns of each stand side by side in turn, and all rows of one pixel.
// C: x, y (elements), pe, simd (of a pixel), folds, words, vectors, repeated, pixels, run.
template <class C, typename W, typename B>
void xnor(stream<typename C::x, C::pixels * C::simd>& in, stream<typename C::y, C::pixels * C::pe>& out,
          const W (&weight)[C::folds * C::words][C::pe][C::simd], const B (&bias)[C::folds][C::pe]) {
#pragma HLS ARRAY_RESHAPE variable=weight complete dim=2
#pragma HLS ARRAY_RESHAPE variable=weight complete dim=3
#pragma HLS ARRAY_RESHAPE variable=bias complete dim=2
  using sum_t = modular<typename C::y>;
  using word_t = beat<typename C::x, C::pixels * C::simd>;
  word_t kept[C::words];
  sum_t sum[C::pixels * C::pe];
#pragma HLS ARRAY_PARTITION variable=sum complete
  for (int v = 0; v < C::vectors; ++v) {
    for (int fold = 0; fold < C::folds; ++fold) {
      for (int word = 0; word < C::words; ++word) {
#pragma HLS PIPELINE II=1 style=flp
        const bool fresh = C::repeated || fold == 0;
        const word_t x = fresh ? in.read() : kept[word];
        if (!C::repeated && C::folds > 1 && fresh) kept[word] = x;
        for (int p = 0; p < C::pixels * C::pe; ++p) {
#pragma HLS UNROLL
          const int pixel = p / C::pe, r = p % C::pe;
          const auto& row = weight[fold * C::words + word][r];
          sum_t matches = 0;
          for (int i = 0; i < C::simd; ++i) {
#pragma HLS UNROLL
            matches += sum_t(row[i] == x[(i / C::run * C::pixels + pixel) * C::run + i % C::run]);
          }
          sum[p] = (word == 0 ? sum_t(bias[fold][r]) : sum[p]) + matches;
        }
        if (word == C::words - 1) {
          beat<typename C::y, C::pixels * C::pe> y;
          for (int p = 0; p < C::pixels * C::pe; ++p) {
#pragma HLS UNROLL
            y[p] = typename C::y(sum[p]);
          }
          out.write(y);
        }
      }
    }
  }
}

}  // namespace bw

#endif
