// SPDX-License-Identifier: Apache-2.0
// y[c] = the largest, or the sum, of the taps of channel c: `lanes` channels and `taps` taps a cycle.
#ifndef BW_POOL_H
#define BW_POOL_H

#include "beat.h"

namespace bw {

// Beats as in depthwise.h. C: x, y (elements), lanes, taps (a beat), steps, results (beats), largest.
template <class C> void pool(stream<typename C::x, C::taps * C::lanes>& in, stream<typename C::y, C::lanes>& out) {
  typename C::y found[C::lanes];
#pragma HLS ARRAY_PARTITION variable=found complete
  for (int k = 0; k < C::results; ++k) {
    for (int step = 0; step < C::steps; ++step) {
#pragma HLS PIPELINE II=1 style=flp
      const beat<typename C::x, C::taps * C::lanes> x = in.read();
      for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
        typename C::y y = found[l];
        for (int t = 0; t < C::taps; ++t) {
#pragma HLS UNROLL
          const typename C::y each = x[t * C::lanes + l];
          if (step == 0 && t == 0) {
            y = each;
          } else if (C::largest) {
            y = each > y ? each : y;
          } else {
            y += each;
          }
        }
        found[l] = y;
      }
      if (step == C::steps - 1) {
        beat<typename C::y, C::lanes> y;
        for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
          y[l] = found[l];
        }
        out.write(y);
      }
    }
  }
}

}  // namespace bw

#endif
