// SPDX-License-Identifier: Apache-2.0
// y[j] = sum over i of weight[j][i] * x[i] + bias[j]: `pe` rows and `simd` columns a cycle.
#ifndef BW_DENSE_H
#define BW_DENSE_H

#include "beat.h"

namespace bw {

// A vector is read in `words` words, `folds` times: from the stream each time if it comes `repeated`, else kept. The first
// `dsp_rows` of the `pe` rows multiply on DSP slices. weight[fold * words + word] has the columns of a word for the rows of a
// fold; what is missing in the last of either is 0.
// C: x, y (elements), pe, simd, folds, words, vectors, dsp_rows, repeated.
template <class C, typename W, typename B>
void dense(stream<typename C::x, C::simd>& in, stream<typename C::y, C::pe>& out,
           const W (&weight)[C::folds * C::words][C::pe][C::simd], const B (&bias)[C::folds][C::pe]) {
#pragma HLS ARRAY_RESHAPE variable=weight complete dim=2
#pragma HLS ARRAY_RESHAPE variable=weight complete dim=3
#pragma HLS ARRAY_RESHAPE variable=bias complete dim=2
  using sum_t = modular<typename C::y>;
  beat<typename C::x, C::simd> kept[C::words];
  sum_t sum[C::pe];
#pragma HLS ARRAY_PARTITION variable=sum complete
  for (int v = 0; v < C::vectors; ++v) {
    for (int fold = 0; fold < C::folds; ++fold) {
      for (int word = 0; word < C::words; ++word) {
#pragma HLS PIPELINE II=1 style=flp
        const bool fresh = C::repeated || fold == 0;
        const beat<typename C::x, C::simd> x = fresh ? in.read() : kept[word];
        if (!C::repeated && C::folds > 1 && fresh) kept[word] = x;
        for (int p = 0; p < C::pe; ++p) {
#pragma HLS UNROLL
          const auto& row = weight[fold * C::words + word][p];
          sum_t s = word == 0 ? sum_t(bias[fold][p]) : sum[p];
          for (int i = 0; i < C::simd; ++i) {
#pragma HLS UNROLL
            s += p < C::dsp_rows ? product<sum_t, true>(row[i], x[i]) : product<sum_t, false>(row[i], x[i]);
          }
          sum[p] = s;
        }
        if (word == C::words - 1) {
          beat<typename C::y, C::pe> y;
          for (int p = 0; p < C::pe; ++p) {
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
