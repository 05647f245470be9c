// SPDX-License-Identifier: Apache-2.0
// y = left * a + right * b + bias, element by element of two streams.
#ifndef BW_ADD_H
#define BW_ADD_H

#include "beat.h"

namespace bw {

// C: a, b, y (elements), sum (holds every step on the way), lanes, frame (beats), left, right, bias.
template <class C>
void add(stream<typename C::a, C::lanes>& a, stream<typename C::b, C::lanes>& b, stream<typename C::y, C::lanes>& out) {
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::a, C::lanes> u = a.read();
    const beat<typename C::b, C::lanes> v = b.read();
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      using sum = typename C::sum;
      y[l] = typename C::y(sum(sum(u[l]) * sum(C::left)) + sum(sum(v[l]) * sum(C::right)) + sum(C::bias));
    }
    out.write(y);
  }
}

}  // namespace bw

#endif
