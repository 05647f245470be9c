// SPDX-License-Identifier: Apache-2.0
// The beats of a block in another order.
#ifndef BW_PERMUTE_H
#define BW_PERMUTE_H

#include "beat.h"

namespace bw {

namespace permute_parts {

template <class C> void fill(stream<typename C::y, C::lanes>& in, beat<typename C::y, C::lanes> (&block)[C::block]) {
  for (int k = 0; k < C::block; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    block[k] = in.read();
  }
}

template <class C>
void drain(const beat<typename C::y, C::lanes> (&block)[C::block], stream<typename C::y, C::lanes>& out) {
  for (int a = 0; a < C::count0; ++a) {
    for (int b = 0; b < C::count1; ++b) {
      for (int c = 0; c < C::count2; ++c) {
        for (int d = 0; d < C::count3; ++d) {
#pragma HLS PIPELINE II=1 style=flp
          out.write(block[a * C::stride0 + b * C::stride1 + c * C::stride2 + d * C::stride3]);
        }
      }
    }
  }
}

}  // namespace permute_parts

// One block is filled while the one before it is read by four loops. C: y (element), lanes, block (beats), blocks,
// count0 .. count3 and stride0 .. stride3 (beats) of the loops, outermost first.
template <class C> void permute(stream<typename C::y, C::lanes>& in, stream<typename C::y, C::lanes>& out) {
  static_assert(C::count0 * C::count1 * C::count2 * C::count3 == C::block, "every beat is read once");
  for (int k = 0; k < C::blocks; ++k) {
#pragma HLS DATAFLOW
    beat<typename C::y, C::lanes> block[C::block];
    permute_parts::fill<C>(in, block);
    permute_parts::drain<C>(block, out);
  }
}

}  // namespace bw

#endif
