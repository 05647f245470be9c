// SPDX-License-Identifier: Apache-2.0
// What operators on one stream share: every element by itself, with constants that come round again with the channels.
// Their configuration C has: x, y (elements), lanes, folds (beats after which the constants come round), frame (beats).
#ifndef BW_ELEMENTWISE_H
#define BW_ELEMENTWISE_H

#include "beat.h"

namespace bw {

// Which constants the next beat takes.
template <class C> int next_fold(int fold) {
#pragma HLS INLINE
  static_assert(C::frame % C::folds == 0, "a frame ends with the constants");
  return fold == C::folds - 1 ? 0 : fold + 1;
}

// A value within lo .. hi.
template <typename T> T clipped(const T& value, int64_t lo, int64_t hi) {
#pragma HLS INLINE
  return value < lo ? T(lo) : value > hi ? T(hi) : value;
}

}  // namespace bw

#endif
