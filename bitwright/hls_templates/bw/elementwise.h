// SPDX-License-Identifier: Apache-2.0
// What operators on one stream share: every element by itself, with constants that come round again with the channels.
#ifndef BW_ELEMENTWISE_H
#define BW_ELEMENTWISE_H

#include "beat.h"

namespace bw {

// y = f(x, fold, lane) for every lane; `fold` counts beats and starts again after `folds` of them.
// C: x, y (elements), lanes, folds, frame (beats).
template <class C, class F> void elementwise(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out, F f) {
#pragma HLS INLINE
  static_assert(C::frame % C::folds == 0, "a frame ends with the constants");
  int fold = 0;
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1
    const beat<typename C::x, C::lanes> x = in.read();
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      y[l] = f(x[l], fold, l);
    }
    fold = fold == C::folds - 1 ? 0 : fold + 1;
    out.write(y);
  }
}

// A value within lo .. hi.
template <typename T> T clipped(const T& value, int64_t lo, int64_t hi) {
#pragma HLS INLINE
  return value < lo ? T(lo) : value > hi ? T(hi) : value;
}

}  // namespace bw

#endif
