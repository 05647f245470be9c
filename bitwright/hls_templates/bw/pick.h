// SPDX-License-Identifier: Apache-2.0
// The same beats with elements in another order, some left out, some several times.
#ifndef BW_PICK_H
#define BW_PICK_H

#include "beat.h"

namespace bw {

// C: x (element), in, out (lanes), frame (beats).
template <class C, typename I>
void pick(stream<typename C::x, C::in>& in, stream<typename C::x, C::out>& out, const I (&index)[C::out]) {
#pragma HLS ARRAY_PARTITION variable=index complete
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1
    const beat<typename C::x, C::in> x = in.read();
    beat<typename C::x, C::out> y;
    for (int l = 0; l < C::out; ++l) {
#pragma HLS UNROLL
      y[l] = x[int(index[l])];
    }
    out.write(y);
  }
}

}  // namespace bw

#endif
