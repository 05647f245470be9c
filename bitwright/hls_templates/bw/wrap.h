// SPDX-License-Identifier: Apache-2.0
// y is congruent to x modulo a power of two and lies in as many codes from low on.
#ifndef BW_WRAP_H
#define BW_WRAP_H

#include "elementwise.h"

namespace bw {

// C: as in elementwise.h, and sum (holds x - low, its masked bits, and y).
template <class C, typename M, typename L>
void wrap(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out, const M (&mask)[C::folds][C::lanes],
          const L (&low)[C::folds][C::lanes]) {
#pragma HLS ARRAY_RESHAPE variable=mask complete dim=2
#pragma HLS ARRAY_RESHAPE variable=low complete dim=2
  elementwise<C>(in, out, [&](const typename C::x& x, int fold, int lane) {
    const auto from = typename C::sum(low[fold][lane]);
    const typename C::sum above = typename C::sum(x) - from;
    const typename C::sum kept = above & typename C::sum(mask[fold][lane]);
    return typename C::y(kept + from);
  });
}

}  // namespace bw

#endif
