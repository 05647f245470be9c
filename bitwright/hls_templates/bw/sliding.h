// SPDX-License-Identifier: Apache-2.0
// Whole windows: pixels run through line buffers and shift registers, where all taps can be read at a time.
#ifndef BW_SLIDING_H
#define BW_SLIDING_H

#include "beat.h"

namespace bw {

// What went in N pushes ago.
template <typename T, int N> class delay {
 public:
  T push(const T& value) {
#pragma HLS INLINE
    const T found = kept_[at_];
    kept_[at_] = value;
    at_ = at_ == N - 1 ? 0 : at_ + 1;
    return found;
  }

 private:
  T kept_[N];
  int at_ = 0;
};

template <typename T> class delay<T, 0> {
 public:
  T push(const T& value) { return value; }
};

// A frame is `places` places on rows of `pitch` of them, with `words` words each. Place (y, x) takes that pixel, if there is
// one; the window whose last tap is there leaves, word by word, each in `parts` beats of `taps` taps.
// C: elem, lanes, words, height, width (pixels), rows, columns (windows), kh, kw, sh, sw (stride), dh, dw (dilation), top,
// left (padding; negative: cropped), pad (code), pitch, places, parts, taps.
template <class C>
void sliding(stream<typename C::elem, C::lanes>& in, stream<typename C::elem, C::taps * C::lanes>& out) {
  using beat_t = beat<typename C::elem, C::lanes>;
  static_assert(C::taps * C::parts == C::kh * C::kw, "the parts of a window are alike");
  constexpr int bottom = (C::kh - 1) * C::dh - C::top, right = (C::kw - 1) * C::dw - C::left;  // of the first window
  static_assert(bottom >= 0 && right >= 0, "no window ends before the image");
  delay<beat_t, C::dh * C::pitch * C::words> lines[C::kh];
  delay<beat_t, C::dw * C::words> gaps[C::kh][C::kw];
  beat_t tap[C::kh][C::kw];
#pragma HLS ARRAY_PARTITION variable=lines complete
#pragma HLS ARRAY_PARTITION variable=gaps complete dim=0
#pragma HLS ARRAY_PARTITION variable=tap complete dim=0
  int y = 0, x = 0, word = 0, part = 0;
  int oy = 0, ox = 0;                                // the window that leaves next,
  int row_due = bottom * C::pitch + right, due = row_due;  // with which place, and that of the first of its row
  for (int place = 0; place < C::places;) {
#pragma HLS PIPELINE II=1 style=flp
    if (part == 0) {
      beat_t value;
      if (y < C::height && x < C::width) {
        value = in.read();
      } else {
        for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
          value[l] = 0;
        }
      }
      for (int ky = C::kh - 1; ky >= 0; --ky) {
#pragma HLS UNROLL
        beat_t moved = value;
        for (int kx = C::kw - 1; kx >= 0; --kx) {
#pragma HLS UNROLL
          tap[ky][kx] = moved;
          if (kx > 0) moved = gaps[ky][kx].push(moved);
        }
        if (ky > 0) value = lines[ky].push(value);
      }
    }
    const bool gives = oy < C::rows && place == due;
    if (gives) {
      beat<typename C::elem, C::taps * C::lanes> window;
      for (int t = 0; t < C::taps; ++t) {
#pragma HLS UNROLL
        const int k = part * C::taps + t, ky = k / C::kw, kx = k % C::kw;
        const int row = oy * C::sh - C::top + ky * C::dh, column = ox * C::sw - C::left + kx * C::dw;
        const bool inside = row >= 0 && row < C::height && column >= 0 && column < C::width;
        for (int l = 0; l < C::lanes; ++l) {
#pragma HLS UNROLL
          window[t * C::lanes + l] = inside ? tap[ky][kx][l] : typename C::elem(C::pad);
        }
      }
      out.write(window);
    }
    if (gives && part < C::parts - 1) {
      ++part;
    } else {
      part = 0;
      if (gives && word == C::words - 1) {
        const bool last = ox == C::columns - 1;
        ox = last ? 0 : ox + 1;
        if (last) {
          ++oy;
          row_due += C::sh * C::pitch;
        }
        due = last ? row_due : due + C::sw;
      }
      if (word == C::words - 1) {
        word = 0;
        ++place;
        const bool last = x == C::pitch - 1;
        x = last ? 0 : x + 1;
        if (last) ++y;
      } else {
        ++word;
      }
    }
  }
}

}  // namespace bw

#endif
