// SPDX-License-Identifier: Apache-2.0
// y = clip(floor((m * x + b) / 2^right), lo, hi).
#ifndef BW_MULSHIFT_H
#define BW_MULSHIFT_H

#include "elementwise.h"

namespace bw {

// C: as in elementwise.h, and sum (holds m * x and m * x + b), right, clip, lo, hi, dsp.
template <class C> typename C::y scaled(const typename C::sum& product, const typename C::sum& b) {
#pragma HLS INLINE
  typename C::sum sum = typename C::sum((product + b) >> C::right);
  if constexpr (C::clip) sum = clipped(sum, C::lo, C::hi);
  return typename C::y(sum);
}

template <class C, typename M, typename B>
void mulshift(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out,
              const M (&m)[C::folds][C::lanes], const B (&b)[C::folds][C::lanes]) {
#pragma HLS ARRAY_RESHAPE variable=m complete dim=2
#pragma HLS ARRAY_RESHAPE variable=b complete dim=2
  int fold = 0;
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::x, C::lanes> x = in.read();
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      y[l] = scaled<C>(product<typename C::sum, C::dsp>(m[fold][l], x[l]), typename C::sum(b[fold][l]));
    }
    fold = next_fold<C>(fold);
    out.write(y);
  }
}

}  // namespace bw

#endif
