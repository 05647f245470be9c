// SPDX-License-Identifier: Apache-2.0
// y is congruent to x modulo a power of two and lies in as many codes from low on.
#ifndef BW_WRAP_H
#define BW_WRAP_H

#include "elementwise.h"

namespace bw {

// C: as in elementwise.h, and sum (holds x - low, its masked bits, and y).
template <class C>
typename C::y wrapped(const typename C::sum& x, const typename C::sum& mask, const typename C::sum& low) {
#pragma HLS INLINE
  const typename C::sum above = x - low;
  const typename C::sum kept = above & mask;
  return typename C::y(kept + low);
}

template <class C, typename M, typename L>
void wrap(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out, const M (&mask)[C::folds][C::lanes],
          const L (&low)[C::folds][C::lanes]) {
#pragma HLS ARRAY_RESHAPE variable=mask complete dim=2
#pragma HLS ARRAY_RESHAPE variable=low complete dim=2
  using s = typename C::sum;
  int fold = 0;
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::x, C::lanes> x = in.read();
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      y[l] = wrapped<C>(s(x[l]), s(mask[fold][l]), s(low[fold][l]));
    }
    fold = next_fold<C>(fold);
    out.write(y);
  }
}

}  // namespace bw

#endif
