// SPDX-License-Identifier: Apache-2.0
// y = table[x]: any function of one code.
#ifndef BW_TABLE_H
#define BW_TABLE_H

#include "elementwise.h"

namespace bw {

// A code indexes the table by its bits. C: as in elementwise.h, and bits (of a code).
template <class C, typename T>
void table(stream<typename C::x, C::lanes>& in, stream<typename C::y, C::lanes>& out, const T (&values)[1 << C::bits]) {
  elementwise<C>(in, out, [&](const typename C::x& x, int, int) {
    return typename C::y(values[int(x) & ((1 << C::bits) - 1)]);
  });
}

}  // namespace bw

#endif
