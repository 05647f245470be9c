// SPDX-License-Identifier: Apache-2.0
// What travels on a stream between layers: some elements at a time, channels last.
#ifndef BW_BEAT_H
#define BW_BEAT_H

#include "port.h"

namespace bw {

// LANES elements. Vectors follow one another, each begins a beat; lanes beyond the end of a vector are padding.
template <typename T, int LANES> struct beat {
  static_assert(LANES > 0, "a beat has at least one lane");
  T lane[LANES];

  T& operator[](int k) { return lane[k]; }
  const T& operator[](int k) const { return lane[k]; }
};

template <typename T, int LANES> using stream = hls::stream<beat<T, LANES>>;

// Beats of `lanes` elements that a vector takes.
constexpr int beats(int vector, int lanes) { return (vector + lanes - 1) / lanes; }

}  // namespace bw

#endif
