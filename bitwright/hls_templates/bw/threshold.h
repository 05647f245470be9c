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
  int fold = 0;
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::x, C::lanes> x = in.read();
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      int reached = 0;
      for (int t = 0; t < C::count; ++t) {
#pragma HLS UNROLL
        reached += int(typename C::wide(x[l]) >= thresholds[fold][t][l]);
      }
      y[l] = typename C::y(base[fold][l] + (sign[fold][l] < 0 ? -reached : reached));
    }
    fold = next_fold<C>(fold);
    out.write(y);
  }
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
  int fold = 0;
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::x, C::lanes> x = in.read();
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      int node = 0;
      for (int level = 0; level < C::levels; ++level) {
#pragma HLS UNROLL
        node = 2 * node + int(typename C::wide(x[l]) >= tree[level][l][(fold << level) + node]);
      }
      y[l] = typename C::y(base[fold][l] + (sign[fold][l] < 0 ? -node : node));
    }
    fold = next_fold<C>(fold);
    out.write(y);
  }
}

}  // namespace bw

#endif
