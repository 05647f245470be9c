// SPDX-License-Identifier: Apache-2.0
// y = clip(round((x * 2^left + b) / 2^right), lo, hi), rounded down, or to nearest with ties to even.
#ifndef BW_SHIFT_H
#define BW_SHIFT_H

#include "elementwise.h"

namespace bw {

// C: as in elementwise.h, and sum (holds every step on the way), left, right, even, clip, lo, hi.
template <class C, typename B>
void shift(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out, const B (&b)[C::folds][C::lanes]) {
#pragma HLS ARRAY_RESHAPE variable=b complete dim=2
  elementwise<C>(in, out, [&](const typename C::x& x, int fold, int lane) {
    typename C::sum sum = typename C::sum(x);
    sum = typename C::sum((sum << C::left) + typename C::sum(b[fold][lane]));
    if constexpr (C::even && C::right > 0) {
      const typename C::sum whole = sum >> C::right;
      sum = typename C::sum(sum + ((int64_t(1) << (C::right - 1)) - 1) + (whole & typename C::sum(1)));
    }
    sum = typename C::sum(sum >> C::right);
    if constexpr (C::clip) sum = clipped(sum, C::lo, C::hi);
    return typename C::y(sum);
  });
}

}  // namespace bw

#endif
