// SPDX-License-Identifier: Apache-2.0
// The vectors of two streams behind each other.
#ifndef BW_CONCAT_H
#define BW_CONCAT_H

#include "beat.h"

namespace bw {

// C: y (element), lanes, a_beats, b_beats (of a vector), vectors.
template <class C>
void concat(stream<typename C::y, C::lanes>& a, stream<typename C::y, C::lanes>& b, stream<typename C::y, C::lanes>& out) {
  for (int v = 0; v < C::vectors; ++v) {
    for (int k = 0; k < C::a_beats + C::b_beats; ++k) {
#pragma HLS PIPELINE II=1 style=flp
      out.write(k < C::a_beats ? a.read() : b.read());
    }
  }
}

}  // namespace bw

#endif
