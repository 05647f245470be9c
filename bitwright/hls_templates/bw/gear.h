// SPDX-License-Identifier: Apache-2.0
// The same vectors in beats of another width, and streams that fork.
#ifndef BW_GEAR_H
#define BW_GEAR_H

#include "beat.h"

namespace bw {

// Beats of `in` lanes to beats of `out` lanes, one of which divides the other; padding is 0.
// C: x, y (elements), in, out (lanes), vector (elements), vectors.
template <class C> void gear(stream<typename C::x, C::in>& in, stream<typename C::y, C::out>& out) {
  constexpr bool narrows = C::in >= C::out;
  constexpr int wide = narrows ? C::in : C::out, thin = narrows ? C::out : C::in;
  static_assert(wide % thin == 0, "one number of lanes divides the other");
  constexpr int ratio = wide / thin, thins = beats(C::vector, thin);
  beat<typename C::y, wide> held;
  for (int v = 0; v < C::vectors; ++v) {
    int part = 0;
    for (int k = 0; k < thins; ++k) {
#pragma HLS PIPELINE II=1 style=flp
      if constexpr (narrows) {
        if (part == 0) {
          const beat<typename C::x, wide> x = in.read();
          for (int l = 0; l < wide; ++l) {
#pragma HLS UNROLL
            held[l] = x[l];
          }
        }
        beat<typename C::y, thin> y;
        for (int l = 0; l < thin; ++l) {
#pragma HLS UNROLL
          y[l] = held[part * thin + l];
        }
        out.write(y);
      } else {
        const beat<typename C::x, thin> x = in.read();
        for (int l = 0; l < wide; ++l) {
#pragma HLS UNROLL
          if (l / thin == part) held[l] = x[l % thin];
          if (part == 0 && l >= thin) held[l] = 0;
        }
        if (part == ratio - 1 || k == thins - 1) out.write(held);
      }
      part = part == ratio - 1 ? 0 : part + 1;
    }
  }
}

// Wider elements, and lanes beyond the end of a vector of one beat added or dropped. C: x, y, in, out, frame (beats).
template <class C> void lanes(stream<typename C::x, C::in>& in, stream<typename C::y, C::out>& out) {
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::x, C::in> x = in.read();
    beat<typename C::y, C::out> y;
    for (int l = 0; l < C::out; ++l) {
#pragma HLS UNROLL
      y[l] = l < C::in ? typename C::y(x[l < C::in ? l : 0]) : typename C::y(0);
    }
    out.write(y);
  }
}

// Every beat to all of the outputs. C: x, lanes, frame (beats).
template <class C, class... Outs> void fork(stream<typename C::x, C::lanes>& in, Outs&... outs) {
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::x, C::lanes> x = in.read();
    (outs.write(x), ...);
  }
}

}  // namespace bw

#endif
