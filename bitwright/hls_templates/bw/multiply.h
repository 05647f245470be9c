// SPDX-License-Identifier: Apache-2.0
// y = (a - za) * (b - zb), element by element of two streams.
#ifndef BW_MULTIPLY_H
#define BW_MULTIPLY_H

#include "beat.h"

namespace bw {

// C: a, b, y (elements), da, db (hold the differences), sum (the product), lanes, frame (beats), za, zb, dsp.
template <class C>
void multiply(stream<typename C::a, C::lanes>& a, stream<typename C::b, C::lanes>& b, stream<typename C::y, C::lanes>& out) {
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::a, C::lanes> u = a.read();
    const beat<typename C::b, C::lanes> v = b.read();
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      const typename C::da p = typename C::da(typename C::da(u[l]) - typename C::da(C::za));
      const typename C::db q = typename C::db(typename C::db(v[l]) - typename C::db(C::zb));
      y[l] = typename C::y(product<typename C::sum, C::dsp>(p, q));
    }
    out.write(y);
  }
}

}  // namespace bw

#endif
