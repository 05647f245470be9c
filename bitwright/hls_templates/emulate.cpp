// SPDX-License-Identifier: Apache-2.0
// The accelerator for C simulation: whole frames from memory to memory, beats as they are on the bus, lowest byte first.
#include <cstdio>
#include <exception>

#include "bw_accel.h"

#ifdef BW_TRACE
extern "C" {
void (*bw_trace)(const char*, const void*, std::size_t) = nullptr;
}
#endif

static void run(const std::uint8_t* in, std::uint8_t* out, std::int64_t frames) {
  hls::stream<ap_axiu<IN_BITS, 0, 0, 0>> s_axis("s_axis");
  hls::stream<ap_axiu<OUT_BITS, 0, 0, 0>> m_axis("m_axis");
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    for (int k = 0; k < IN_BEATS; ++k) {
      ap_axiu<IN_BITS, 0, 0, 0> word;
      for (int b = 0; b < IN_BITS / 8; ++b) bw::set_slot<8>(word.data, b, bw::uint<8>(*in++));
      word.keep = -1;
      word.strb = -1;
      word.last = k == IN_BEATS - 1;
      s_axis.write(word);
    }
    bw_accel(s_axis, m_axis);
    for (int k = 0; k < OUT_BEATS; ++k) {
      const ap_axiu<OUT_BITS, 0, 0, 0> word = m_axis.read();
      for (int b = 0; b < OUT_BITS / 8; ++b) *out++ = std::uint8_t(int(bw::slot<8, 8, bw::uint<8>>(word.data, b)));
    }
  }
}

// Nothing is in `error` (of `size` bytes) if all went well.
extern "C" void bw_accel_frames(const std::uint8_t* in, std::uint8_t* out, std::int64_t frames, char* error, int size) {
  error[0] = 0;
  try {
    run(in, out, frames);
  } catch (const std::exception& e) {
    std::snprintf(error, size, "%s", e.what());
  }
}
