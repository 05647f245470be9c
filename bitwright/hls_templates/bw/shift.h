// SPDX-License-Identifier: Apache-2.0
// y = clip(round((x * 2^left + b) / 2^right), lo, hi), rounded down, or to nearest with ties to even.
#ifndef BW_SHIFT_H
#define BW_SHIFT_H

#include "elementwise.h"

namespace bw {

// C: as in elementwise.h, and sum (holds every step on the way), left, right, even, clip, lo, hi.
template <class C> typename C::y shifted(const typename C::x& x, const typename C::sum& b) {
#pragma HLS INLINE
  typename C::sum sum = typename C::sum(x);
  sum = typename C::sum((sum << C::left) + b);
  if constexpr (C::even && C::right > 0) {
    const typename C::sum whole = sum >> C::right;
    sum = typename C::sum(sum + ((int64_t(1) << (C::right - 1)) - 1) + (whole & typename C::sum(1)));
  }
  sum = typename C::sum(sum >> C::right);
  if constexpr (C::clip) sum = clipped(sum, C::lo, C::hi);
  return typename C::y(sum);
}

template <class C, typename B>
void shift(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out, const B (&b)[C::folds][C::lanes]) {
#pragma HLS ARRAY_RESHAPE variable=b complete dim=2
  int fold = 0;
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::x, C::lanes> x = in.read();
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      y[l] = shifted<C>(x[l], typename C::sum(b[fold][l]));
    }
    fold = next_fold<C>(fold);
    out.write(y);
  }
}

}  // namespace bw

#endif
