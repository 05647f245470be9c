// SPDX-License-Identifier: Apache-2.0
// AXI4-Stream at both ends: an element in each slot of tdata, TLAST with the last beat of a frame.
#ifndef BW_AXIS_H
#define BW_AXIS_H

#include "beat.h"

namespace bw {

// A frame from the bus. A TLAST inside of it completes the frame with zeros; a missing one does not matter.
// C: elem, width (bits of an element), slot (bits), lanes, vector (elements), frame (beats).
template <class C>
void axis_in(hls::stream<ap_axiu<C::slot * C::lanes, 0, 0, 0>>& in, stream<typename C::elem, C::lanes>& out) {
  static_assert(C::slot >= C::width, "an element fits its slot");
  constexpr int per_vector = beats(C::vector, C::lanes);
  static_assert(C::frame % per_vector == 0, "a frame has whole vectors");
  bool ended = false;
  int place = 0;
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    ap_axiu<C::slot * C::lanes, 0, 0, 0> word;
    const bool fill = ended;
    if (!fill) {
      word = in.read();
      ended = word.last;
    }
    beat<typename C::elem, C::lanes> x;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      const bool pad = place * C::lanes + l >= C::vector;
      x[l] = fill || pad ? typename C::elem(0) : slot<C::slot, C::width, typename C::elem>(word.data, l);
    }
    place = place == per_vector - 1 ? 0 : place + 1;
    out.write(x);
  }
}

// A frame to the bus; padding is sent as 0. C as above.
template <class C>
void axis_out(stream<typename C::elem, C::lanes>& in, hls::stream<ap_axiu<C::slot * C::lanes, 0, 0, 0>>& out) {
  static_assert(C::slot >= C::width, "an element fits its slot");
  constexpr int per_vector = beats(C::vector, C::lanes);
  static_assert(C::frame % per_vector == 0, "a frame has whole vectors");
  int place = 0;
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::elem, C::lanes> x = in.read();
    ap_axiu<C::slot * C::lanes, 0, 0, 0> word;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      const bool pad = place * C::lanes + l >= C::vector;
      set_slot<C::slot>(word.data, l, pad ? typename C::elem(0) : x[l]);
    }
    word.keep = -1;
    word.strb = -1;
    word.last = k == C::frame - 1;
    place = place == per_vector - 1 ? 0 : place + 1;
    out.write(word);
  }
}

}  // namespace bw

#endif
