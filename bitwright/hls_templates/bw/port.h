// SPDX-License-Identifier: Apache-2.0
// The vendor's words: integers of any width, streams, AXI4-Stream words. Everything else here is plain C++17.
// Vitis HLS brings its own headers; with g++ and the open ap_types headers, streams and AXI4-Stream words are those below; with
// g++ alone (or BW_NATIVE), integers are those of the machine: every value fits its type, so that results are the same.
#ifndef BW_PORT_H
#define BW_PORT_H

#include <cstdint>
#include <type_traits>

#if !defined(BW_NATIVE) && __has_include(<ap_int.h>)
#include <ap_int.h>
#else
#undef BW_NATIVE
#define BW_NATIVE 1
#include <cstring>
#endif

namespace bw {

#ifndef BW_NATIVE

template <int W> using sint = ap_int<W>;
template <int W> using uint = ap_uint<W>;

// What sums modulo 2^width of a type are made in.
template <typename T> using modular = T;

// W bits of tdata, and a bit for each byte of them.
template <int W> using word = ap_uint<W>;
template <int W> using byte_mask = ap_uint<W / 8>;

// The lowest bits of slot `k` of a word as a T, which has WIDTH bits.
template <int SLOT, int WIDTH, typename T, int W> T slot(const word<W>& data, int k) {
#pragma HLS INLINE
  const ap_uint<WIDTH> bits = data.range(k * SLOT + WIDTH - 1, k * SLOT);
  T value;
  value.range() = bits;
  return value;
}

template <int SLOT, typename T, int W> void set_slot(word<W>& data, int k, const T& value) {
#pragma HLS INLINE
  const ap_int<SLOT> bits = value;
  data.range(k * SLOT + SLOT - 1, k * SLOT) = bits;
}

// The product modulo 2^width of a T, on a DSP slice or of LUTs.
template <typename T, bool DSP, typename A, typename B> T product(const A& a, const B& b) {
#pragma HLS INLINE
  if constexpr (DSP) {
    const T p = a * b;
#pragma HLS BIND_OP variable=p op=mul impl=dsp
    return p;
  } else {
    const T p = a * b;
#pragma HLS BIND_OP variable=p op=mul impl=fabric
    return p;
  }
}

#else

template <int W>
using sint = std::conditional_t<W <= 8, int8_t, std::conditional_t<W <= 16, int16_t, std::conditional_t<W <= 32, int32_t, int64_t>>>;
template <int W> using uint = std::make_unsigned_t<sint<W>>;

template <typename T> using modular = std::conditional_t<sizeof(T) <= 4, uint32_t, uint64_t>;

template <int W> struct word {
  uint8_t byte[W / 8];
};
template <int W> using byte_mask = int8_t;

template <int SLOT, int WIDTH, typename T, int W> T slot(const word<W>& data, int k) {
  using whole = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
  uint64_t bits = 0;
  if constexpr (SLOT < 8) {
    bits = data.byte[k * SLOT / 8] >> k * SLOT % 8;
  } else {
    std::memcpy(&bits, data.byte + k * (SLOT / 8), SLOT / 8);
  }
  return T(whole(bits << (64 - WIDTH)) >> (64 - WIDTH));
}

template <int SLOT, typename T, int W> void set_slot(word<W>& data, int k, const T& value) {
  const auto bits = uint64_t(value);
  if constexpr (SLOT < 8) {
    constexpr int mask = (1 << SLOT) - 1;
    uint8_t& byte = data.byte[k * SLOT / 8];
    const int at = k * SLOT % 8;
    byte = uint8_t((byte & ~(mask << at)) | int(bits & mask) << at);
  } else {
    std::memcpy(data.byte + k * (SLOT / 8), &bits, SLOT / 8);
  }
}

template <typename T, bool, typename A, typename B> T product(const A& a, const B& b) {
  return T(T(a) * T(b));
}

#endif

}  // namespace bw

#if !defined(BW_NATIVE) && __has_include(<hls_stream.h>)
#include <hls_stream.h>
#else

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#ifdef BW_TRACE
// Told of every beat: the stream, where the beat is, and its bytes.
extern "C" {
extern void (*bw_trace)(const char*, const void*, std::size_t);
}
#endif

namespace hls {

// A queue without an end, as C simulation has it. Its memory is kept for the next stream of the type.
template <typename T> class stream {
 public:
  explicit stream(const char* name = "") : name_(name) {
    if (!spare().empty()) {
      queue_.swap(spare().back());
      spare().pop_back();
    }
  }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() {
    queue_.clear();
    spare().push_back(std::move(queue_));
  }

  bool empty() const { return next_ == queue_.size(); }

  T read() {
    if (empty()) throw std::runtime_error(std::string("stream ") + name_ + " is read while it is empty");
    const T value = queue_[next_++];
    if (next_ == queue_.size()) {
      queue_.clear();
      next_ = 0;
    }
    return value;
  }

  void write(const T& value) {
#ifdef BW_TRACE
    if (bw_trace) bw_trace(name_, &value, sizeof value);
#endif
    queue_.push_back(value);
  }

 private:
  static std::vector<std::vector<T>>& spare() {
    static thread_local std::vector<std::vector<T>> kept;
    return kept;
  }

  const char* name_;
  std::vector<T> queue_;
  std::size_t next_ = 0;
};

}  // namespace hls

#endif

#if !defined(BW_NATIVE) && __has_include(<ap_axi_sdata.h>)
#include <ap_axi_sdata.h>
#else

// A beat of AXI4-Stream without side channels.
template <int D, int, int, int> struct ap_axiu {
  bw::word<D> data;
  bw::byte_mask<D> keep, strb;
  bw::uint<1> last;
};

#endif

#endif
