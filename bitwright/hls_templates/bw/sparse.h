// SPDX-License-Identifier: Apache-2.0
// The dense layer of which only the weights that are not zero are stored and visited, one a cycle in each of `pe` elements.
#ifndef BW_SPARSE_H
#define BW_SPARSE_H

#include "beat.h"

namespace bw {

namespace sparse_parts {

template <class C> void load(stream<typename C::x, C::simd>& in, typename C::x (&vector)[C::words * C::simd]) {
  for (int word = 0; word < C::words; ++word) {
#pragma HLS PIPELINE II=1 style=flp
    const beat<typename C::x, C::simd> x = in.read();
    for (int i = 0; i < C::simd; ++i) {
#pragma HLS UNROLL
      vector[word * C::simd + i] = x[i];
    }
  }
}

template <class C, typename W, typename I, typename L>
void run(const typename C::x (&vector)[C::words * C::simd], typename C::y (&sums)[C::pe][C::most],
         const W (&weight)[C::slots][C::pe], const I (&column)[C::slots][C::pe], const L (&last)[C::slots][C::pe]) {
  using sum_t = modular<typename C::y>;
  sum_t sum[C::pe];
  int row[C::pe];
#pragma HLS ARRAY_PARTITION variable=sum complete
#pragma HLS ARRAY_PARTITION variable=row complete
  for (int p = 0; p < C::pe; ++p) {
#pragma HLS UNROLL
    sum[p] = 0;
    row[p] = 0;
  }
  for (int slot = 0; slot < C::slots; ++slot) {
#pragma HLS PIPELINE II=1 style=flp
    for (int p = 0; p < C::pe; ++p) {
#pragma HLS UNROLL
      const sum_t s = sum[p] + product<sum_t, C::dsp>(weight[slot][p], vector[int(column[slot][p])]);
      if (last[slot][p]) sums[p][row[p]++] = typename C::y(s);
      sum[p] = last[slot][p] ? sum_t(0) : s;
    }
  }
}

template <class C, typename E, typename N, typename B>
void send(const typename C::y (&sums)[C::pe][C::most], stream<typename C::y, C::lanes>& out,
          const E (&element)[C::beats][C::lanes], const N (&number)[C::beats][C::lanes],
          const B (&bias)[C::beats][C::lanes]) {
  using sum_t = modular<typename C::y>;
  for (int k = 0; k < C::beats; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    beat<typename C::y, C::lanes> y;
    for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
      const typename C::y sum = sums[int(element[k][l])][int(number[k][l])];
      y[l] = typename C::y(sum_t(sum) + sum_t(bias[k][l]));
    }
    out.write(y);
  }
}

}  // namespace sparse_parts

// Three steps, each a vector behind the one before it: load a vector, visit the weights, send the sums in their order. In a slot
// an element adds weight * x[column] to its sum; with the last weight of a row the sum is done, and is one of the `most` that
// the element keeps. Row r, in lane r % lanes of a beat, is sum `number` of an element.
// C: x, y (elements), pe, simd, words, vectors, lanes, beats (of a result), slots, most, dsp.
template <class C, typename W, typename I, typename L, typename E, typename N, typename B>
void sparse(stream<typename C::x, C::simd>& in, stream<typename C::y, C::lanes>& out, const W (&weight)[C::slots][C::pe],
            const I (&column)[C::slots][C::pe], const L (&last)[C::slots][C::pe], const E (&element)[C::beats][C::lanes],
            const N (&number)[C::beats][C::lanes], const B (&bias)[C::beats][C::lanes]) {
#pragma HLS ARRAY_RESHAPE variable=weight complete dim=2
#pragma HLS ARRAY_RESHAPE variable=column complete dim=2
#pragma HLS ARRAY_RESHAPE variable=last complete dim=2
#pragma HLS ARRAY_RESHAPE variable=element complete dim=2
#pragma HLS ARRAY_RESHAPE variable=number complete dim=2
#pragma HLS ARRAY_RESHAPE variable=bias complete dim=2
  for (int v = 0; v < C::vectors; ++v) {
#pragma HLS DATAFLOW
    typename C::x vector[C::words * C::simd];
    typename C::y sums[C::pe][C::most];
#pragma HLS ARRAY_PARTITION variable=vector complete
#pragma HLS ARRAY_PARTITION variable=sums complete dim=1
    sparse_parts::load<C>(in, vector);
    sparse_parts::run<C>(vector, sums, weight, column, last);
    sparse_parts::send<C>(sums, out, element, number, bias);
  }
}

}  // namespace bw

#endif
