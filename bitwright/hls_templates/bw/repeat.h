// SPDX-License-Identifier: Apache-2.0
// Each pixel as a block of equal ones.
#ifndef BW_REPEAT_H
#define BW_REPEAT_H

#include "beat.h"

namespace bw {

namespace repeat_parts {

template <class C> void fill(stream<typename C::y, C::lanes>& in, beat<typename C::y, C::lanes> (&row)[C::pixels * C::words]) {
  for (int k = 0; k < C::pixels * C::words; ++k) {
#pragma HLS PIPELINE II=1 style=flp
    row[k] = in.read();
  }
}

template <class C>
void drain(const beat<typename C::y, C::lanes> (&row)[C::pixels * C::words], stream<typename C::y, C::lanes>& out) {
  for (int r = 0; r < C::rows; ++r) {
    for (int pixel = 0; pixel < C::pixels; ++pixel) {
      for (int c = 0; c < C::columns; ++c) {
        for (int word = 0; word < C::words; ++word) {
#pragma HLS PIPELINE II=1 style=flp
          out.write(row[pixel * C::words + word]);
        }
      }
    }
  }
}

}  // namespace repeat_parts

// Runs of `pixels` pixels of `words` beats each leave `rows` times, each pixel `columns` times.
// C: y (element), lanes, words, pixels, runs, rows, columns.
template <class C> void repeat(stream<typename C::y, C::lanes>& in, stream<typename C::y, C::lanes>& out) {
  for (int k = 0; k < C::runs; ++k) {
#pragma HLS DATAFLOW
    beat<typename C::y, C::lanes> row[C::pixels * C::words];
    repeat_parts::fill<C>(in, row);
    repeat_parts::drain<C>(row, out);
  }
}

}  // namespace bw

#endif
