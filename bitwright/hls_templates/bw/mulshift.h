// SPDX-License-Identifier: Apache-2.0
// y = clip(floor((m * x + b) / 2^shift), lo, hi).
#ifndef BW_MULSHIFT_H
#define BW_MULSHIFT_H

#include "elementwise.h"

namespace bw {

// C: as in elementwise.h, and sum (holds m * x + b), right, clip, lo, hi, dsp.
template <class C, typename M, typename B>
void mulshift(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out,
              const M (&m)[C::folds][C::lanes], const B (&b)[C::folds][C::lanes]) {
#pragma HLS ARRAY_RESHAPE variable=m complete dim=2
#pragma HLS ARRAY_RESHAPE variable=b complete dim=2
  elementwise<C>(in, out, [&](const typename C::x& x, int fold, int lane) {
    typename C::sum sum = product<typename C::sum, C::dsp>(m[fold][lane], x);
    sum = typename C::sum((sum + typename C::sum(b[fold][lane])) >> C::right);
    if constexpr (C::clip) sum = clipped(sum, C::lo, C::hi);
    return typename C::y(sum);
  });
}

}  // namespace bw

#endif
