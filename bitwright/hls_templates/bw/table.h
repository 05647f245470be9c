// SPDX-License-Identifier: Apache-2.0
// y = table[x]: any function of one code.
#ifndef BW_TABLE_H
#define BW_TABLE_H

#include "elementwise.h"

namespace bw {

// A code indexes the table by its bits. C: as in elementwise.h, and bits (of a code).
template <class C, typename T>
void table(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out, const T (&values)[1 << C::bits]) {
  for (int k = 0; k < C::frame; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::x, C::lanes> x = in.read();
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      y[l] = typename C::y(values[int(x[l]) & ((1 << C::bits) - 1)]);
    }
    out.write(y);
  }
}

}  // namespace bw

#endif
