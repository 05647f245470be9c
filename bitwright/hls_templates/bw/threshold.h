// SPDX-License-Identifier: Apache-2.0
// y = base + sign * (how many thresholds x reaches): any monotone step function, with constants of its own for a channel.
#ifndef BW_THRESHOLD_H
#define BW_THRESHOLD_H

#include "elementwise.h"

namespace bw {

// Up to a few thresholds are compared with at a time.
// C: as in elementwise.h, and count, wide (holds x and thresholds).
template <class C, typename T, typename B, typename S>
void threshold(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out,
               const T (&thresholds)[C::folds][C::count][C::lanes], const B (&base)[C::folds][C::lanes],
               const S (&sign)[C::folds][C::lanes]) {
#pragma HLS ARRAY_RESHAPE variable=thresholds complete dim=2
#pragma HLS ARRAY_RESHAPE variable=thresholds complete dim=3
#pragma HLS ARRAY_RESHAPE variable=base complete dim=2
#pragma HLS ARRAY_RESHAPE variable=sign complete dim=2
  elementwise<C>(in, out, [&](const typename C::x& x, int fold, int lane) {
    sint<16> reached = 0;
    for (int k = 0; k < C::count; ++k) {
#pragma HLS UNROLL
      reached += sint<16>(typename C::wide(x) >= thresholds[fold][k][lane]);
    }
    const sint<16> signed_count = sign[fold][lane] < 0 ? sint<16>(-reached) : reached;
    return typename C::y(base[fold][lane] + signed_count);
  });
}

// More are searched, a level of the tree a step: node n of the level with 2^d nodes follows node n / 2 of the one before.
// C: as in elementwise.h, and levels, wide.
template <class C, typename T, typename B, typename S>
void threshold_search(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out,
                      const T (&tree)[C::levels][C::lanes][C::folds << (C::levels - 1)], const B (&base)[C::folds][C::lanes],
                      const S (&sign)[C::folds][C::lanes]) {
#pragma HLS ARRAY_PARTITION variable=tree complete dim=1
#pragma HLS ARRAY_PARTITION variable=tree complete dim=2
#pragma HLS ARRAY_RESHAPE variable=base complete dim=2
#pragma HLS ARRAY_RESHAPE variable=sign complete dim=2
  elementwise<C>(in, out, [&](const typename C::x& x, int fold, int lane) {
    int node = 0;
    for (int level = 0; level < C::levels; ++level) {
#pragma HLS UNROLL
      const bool reached = typename C::wide(x) >= tree[level][lane][(fold << level) + node];
      node = 2 * node + int(reached);
    }
    return typename C::y(base[fold][lane] + (sign[fold][lane] < 0 ? -node : node));
  });
}

}  // namespace bw

#endif
