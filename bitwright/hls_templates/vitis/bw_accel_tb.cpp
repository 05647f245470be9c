// SPDX-License-Identifier: Apache-2.0
// Runs the accelerator on the frames in vectors.h, and compares every byte and TLAST with the reference.
#include <cstdio>

#include "bw_accel.h"
#include "vectors.h"

int main() {
  hls::stream<ap_axiu<IN_BITS, 0, 0, 0>> s_axis("s_axis");
  hls::stream<ap_axiu<OUT_BITS, 0, 0, 0>> m_axis("m_axis");
  int wrong = 0;
  for (int frame = 0; frame < FRAMES; ++frame) {
    for (int k = 0; k < IN_BEATS; ++k) {
      ap_axiu<IN_BITS, 0, 0, 0> word;
      for (int b = 0; b < IN_BITS / 8; ++b) {
        bw::set_slot<8>(word.data, b, bw::uint<8>(inputs[frame][k * (IN_BITS / 8) + b]));
      }
      word.keep = -1;
      word.strb = -1;
      word.last = k == IN_BEATS - 1;
      s_axis.write(word);
    }
    bw_accel(s_axis, m_axis);
    for (int k = 0; k < OUT_BEATS; ++k) {
      if (m_axis.empty()) {
        std::printf("frame %d: %d of %d beats came\n", frame, k, OUT_BEATS);
        return 1;
      }
      const ap_axiu<OUT_BITS, 0, 0, 0> word = m_axis.read();
      wrong += int(word.last) != int(k == OUT_BEATS - 1);
      for (int b = 0; b < OUT_BITS / 8; ++b) {
        const int got = int(bw::slot<8, 8, bw::uint<8>>(word.data, b)), want = outputs[frame][k * (OUT_BITS / 8) + b];
        if (got != want && wrong++ == 0) {
          std::printf("frame %d, beat %d, byte %d: expected %d, got %d\n", frame, k, b, want, got);
        }
      }
    }
  }
  const bool more = !m_axis.empty();
  if (more) std::printf("beats after the last frame\n");
  std::printf("%d frames, %d differences\n", FRAMES, wrong);
  return wrong || more;
}
