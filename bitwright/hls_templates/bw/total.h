// SPDX-License-Identifier: Apache-2.0
// y[c] = the largest, or the sum, of all vectors of a frame, a channel for itself.
#ifndef BW_TOTAL_H
#define BW_TOTAL_H

#include "beat.h"

namespace bw {

// C: x, y (elements), lanes, words (beats of a vector), vectors, largest.
template <class C> void total(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out) {
  beat<typename C::y, C::lanes> found[C::words];
  for (int v = 0; v < C::vectors; ++v) {
    for (int word = 0; word < C::words; ++word) {
#pragma HLS PIPELINE II=1 style=flp
      const beat<typename C::x, C::lanes> x = in.read();
      beat<typename C::y, C::lanes> y = found[word];
      for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
        const typename C::y each = x[l];
        if (v == 0) {
          y[l] = each;
        } else if (C::largest) {
          y[l] = each > y[l] ? each : y[l];
        } else {
          y[l] += each;
        }
      }
      found[word] = y;
      if (v == C::vectors - 1) out.write(y);
    }
  }
}

}  // namespace bw

#endif
