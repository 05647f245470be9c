// SPDX-License-Identifier: Apache-2.0
// y[c] = sum over t of weight[t][c] * x[t][c] + bias[c]: `lanes` channels and `taps` taps a cycle.
#ifndef BW_DEPTHWISE_H
#define BW_DEPTHWISE_H

#include "beat.h"

namespace bw {

// The taps of a group of `lanes` channels follow one another, in `steps` beats; then come those of the next group.
// C: x, y (elements), lanes, taps (a beat), steps, groups, vectors, dsp.
template <class C, typename W, typename B>
void depthwise(stream<typename C::x, C::taps * C::lanes>& in, stream<typename C::y, C::lanes>& out,
               const W (&weight)[C::groups * C::steps][C::taps][C::lanes], const B (&bias)[C::groups][C::lanes]) {
#pragma HLS ARRAY_RESHAPE variable=weight complete dim=2
#pragma HLS ARRAY_RESHAPE variable=weight complete dim=3
#pragma HLS ARRAY_RESHAPE variable=bias complete dim=2
  using sum_t = modular<typename C::y>;
  sum_t sum[C::lanes];
#pragma HLS ARRAY_PARTITION variable=sum complete
  for (int v = 0; v < C::vectors; ++v) {
    for (int group = 0; group < C::groups; ++group) {
      for (int step = 0; step < C::steps; ++step) {
#pragma HLS PIPELINE II=1 style=flp
        const beat<typename C::x, C::taps * C::lanes> x = in.read();
        const auto& w = weight[group * C::steps + step];
        for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
          sum_t s = step == 0 ? sum_t(bias[group][l]) : sum[l];
          for (int t = 0; t < C::taps; ++t) {
#pragma HLS UNROLL
            s += product<sum_t, C::dsp>(w[t][l], x[t * C::lanes + l]);
          }
          sum[l] = s;
        }
        if (step == C::steps - 1) {
          beat<typename C::y, C::lanes> y;
          for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
            y[l] = typename C::y(sum[l]);
          }
          out.write(y);
        }
      }
    }
  }
}

}  // namespace bw

#endif
