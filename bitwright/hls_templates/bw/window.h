// SPDX-License-Identifier: Apache-2.0
// Every position of a kernel that slides over an image: the taps row by row, from a ring of the rows that a window spans.
#ifndef BW_WINDOW_H
#define BW_WINDOW_H

#include "beat.h"

namespace bw {

// A pixel is `words` beats. Each window leaves `passes` times; `grouped` puts the taps of a beat's channels together. Words
// are taken as soon as no window needs those whose places they get, and windows wait for nothing but their own.
// C: elem, lanes, words, height, width (pixels), rows, columns (windows), kh, kw, sh, sw (stride), dh, dw (dilation),
// top, left (padding; negative: cropped), pad (code), ring (rows), passes, grouped.
template <class C> void window(stream<typename C::elem, C::lanes>& in, stream<typename C::elem, C::lanes>& out) {
  static_assert(C::ring > (C::kh - 1) * C::dh, "the ring holds a window's rows");
  constexpr int line = C::width * C::words, frame = C::height * line, taps = C::kh * C::kw;
  constexpr int first_row = ((-C::top) % C::ring + C::ring) % C::ring;
  beat<typename C::elem, C::lanes> ring[C::ring][line];
#pragma HLS DEPENDENCE variable=ring type=inter dependent=false
  beat<typename C::elem, C::lanes> padding;
  for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
    padding[l] = typename C::elem(C::pad);
  }
  int taken = 0, at_row = 0, at = 0;                         // words taken, and where the next one goes
  int oy = 0, ox = 0, pass = 0, ky = 0, kx = 0, word = 0;    // what leaves next
  int slot = first_row;                                      // of row oy * sh - top
  bool done = false;
  while (!done || taken < frame) {
#pragma HLS PIPELINE II=1 style=flp
    const int y = oy * C::sh - C::top, x = ox * C::sw - C::left;
    const int row = y + ky * C::dh, column = x + kx * C::dw;
    const bool inside = row >= 0 && row < C::height && column >= 0 && column < C::width;
    // The oldest word that this window or a later one needs.
    const int next = oy == C::rows - 1 ? C::height : y + C::sh > 0 ? y + C::sh : 0;
    const int here = (y > 0 ? y : 0) * line + (x > 0 ? x : 0) * C::words, later = next * line;
    const int oldest = done ? frame : here < later ? here : later;
    const bool needs = !done && inside && taken <= (row * C::width + column) * C::words + word;
    if (taken < frame && taken - oldest < C::ring * line && (needs || !in.empty())) {
      ring[at_row][at] = in.read();
      ++taken;
      if (at == line - 1) at_row = at_row == C::ring - 1 ? 0 : at_row + 1;
      at = at == line - 1 ? 0 : at + 1;
    }
    if (!done && !needs) {
      const int turned = slot + ky * C::dh;
      const int index = inside ? column * C::words + word : 0;
      out.write(inside ? ring[turned >= C::ring ? turned - C::ring : turned][index] : padding);
      // Grouped: taps before words; else words before taps.
      const bool last_word = word == C::words - 1, last_x = kx == C::kw - 1, last_tap = last_x && ky == C::kh - 1;
      const bool step_tap = C::grouped || last_word, step_word = !C::grouped || last_tap;
      if (step_word) word = last_word ? 0 : word + 1;
      if (step_tap) {
        if (last_x) ky = last_tap ? 0 : ky + 1;
        kx = last_x ? 0 : kx + 1;
      }
      if (last_word && last_tap) {
        const bool last_pass = pass == C::passes - 1;
        pass = last_pass ? 0 : pass + 1;
        if (last_pass) {
          const bool last_column = ox == C::columns - 1;
          ox = last_column ? 0 : ox + 1;
          if (last_column) {
            ++oy;
            slot = (slot + C::sh) % C::ring;
            done = oy == C::rows;
          }
        }
      }
    }
  }
}

}  // namespace bw

#endif
