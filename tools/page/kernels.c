/* The arithmetic of the drawing page, for WebAssembly with 128-bit SIMD. Built by
   `python tools/export_page.py --kernels`; kernels.js holds the same functions without SIMD. (Relaxed
   SIMD, which multiplies and adds at once, made a network call a tenth faster only.)

   All numbers are floats in one memory that JavaScript lays out; pointers are byte addresses.
   Activations are [channel][picture][place], so that a row of pictures × places can be worked
   through four at a time. */
#include <wasm_simd128.h>

typedef float f32;
#define EXPORT(name) __attribute__((export_name(#name))) name

/* The pictures with a border of zeros, so that a convolution need not ask where they end. */
static void bordered(const f32 *in, f32 *out, int planes, int side, int pad) {
  int wide = side + 2 * pad;
  for (int i = 0; i < planes * wide * wide; i++) out[i] = 0;
  for (int c = 0; c < planes; c++)
    for (int y = 0; y < side; y++)
      for (int x = 0; x < side; x++)
        out[(c * wide + y + pad) * wide + x + pad] = in[(c * side + y) * side + x];
}

/* What eight places see, [(channel, dy, dx)][place]: the panel of a matrix product. */
static void seen(const f32 *in, f32 *panel, const int *place, int channels, int plane, int wide,
                 int kernel, int in_fours) {
  for (int c = 0; c < channels; c++, in += plane)
    for (int dy = 0; dy < kernel; dy++)
      for (int dx = 0; dx < kernel; dx++, panel += 8) {
        const f32 *from = in + dy * wide + dx;
        if (in_fours) {
          wasm_v128_store(panel, wasm_v128_load(from + place[0]));
          wasm_v128_store(panel + 4, wasm_v128_load(from + place[4]));
        } else {
          for (int j = 0; j < 8; j++) panel[j] = from[place[j]];
        }
      }
}

/* out[o][j] = bias[o] + Σ_k weight[o / 4][k][o % 4] · panel[k][j] for eight places j. */
static void product(const f32 *weight, const f32 *bias, const f32 *panel, f32 *out, int outs,
                    int inner, int places) {
  for (int o = 0; o < outs; o += 4) {
    v128_t sum[4][2];
    for (int i = 0; i < 4; i++) sum[i][0] = sum[i][1] = wasm_f32x4_splat(bias[o + i]);
    const f32 *w = weight + o * inner, *x = panel;
    for (int k = 0; k < inner; k++, w += 4, x += 8) {
      v128_t a = wasm_v128_load(x), b = wasm_v128_load(x + 4);
      for (int i = 0; i < 4; i++) {
        v128_t factor = wasm_v128_load32_splat(w + i);
        sum[i][0] = wasm_f32x4_add(sum[i][0], wasm_f32x4_mul(factor, a));
        sum[i][1] = wasm_f32x4_add(sum[i][1], wasm_f32x4_mul(factor, b));
      }
    }
    for (int i = 0; i < 4; i++) {
      wasm_v128_store(out + (o + i) * places, sum[i][0]);
      wasm_v128_store(out + (o + i) * places + 4, sum[i][1]);
    }
  }
}

/* A convolution with zeros around the picture; weight is [out / 4][in, dy, dx][out % 4], outs a
   multiple of 4, and all places together a multiple of 8. */
void EXPORT(conv)(const f32 *in, const f32 *weight, const f32 *bias, f32 *out, f32 *room, int ins,
                  int outs, int pictures, int side, int kernel, int stride) {
  int to = side / stride, pad = kernel / 2, wide = side + 2 * pad, places = pictures * to * to;
  int plane = pictures * wide * wide, inner = ins * kernel * kernel, place[8];
  f32 *panel = room + ins * plane;
  bordered(in, room, ins * pictures, side, pad);
  for (int n = 0; n < places; n += 8) {
    for (int j = 0; j < 8; j++) {
      int p = (n + j) / (to * to), y = (n + j) / to % to, x = (n + j) % to;
      place[j] = (p * wide + y * stride) * wide + x * stride;
    }
    seen(room, panel, place, ins, plane, wide, kernel, stride == 1 && to % 4 == 0);
    product(weight, bias, panel, out + n, outs, inner, places);
  }
}

/* out[p][o] = bias[o] + Σ_i in[p][i] · weight[i][o] for a few rows p, each weight read once. */
void EXPORT(linear)(const f32 *in, const f32 *weight, const f32 *bias, f32 *out, int ins, int outs,
                    int rows) {
  for (int p = 0; p < rows; p++)
    for (int o = 0; o < outs; o++) out[p * outs + o] = bias[o];
  for (int i = 0; i < ins; i++, weight += outs)
    for (int p = 0; p < rows; p++) {
      v128_t factor = wasm_f32x4_splat(in[p * ins + i]);
      f32 *to = out + p * outs;
      for (int o = 0; o < outs; o += 4)
        wasm_v128_store(to + o, wasm_f32x4_add(wasm_v128_load(to + o),
                                               wasm_f32x4_mul(factor, wasm_v128_load(weight + o))));
    }
}

/* Four channels of one place become 2×2 places of one channel. */
void EXPORT(unfold)(const f32 *in, f32 *out, int channels, int pictures, int side) {
  int places = side * side, planes = pictures * places;
  for (int c = 0; c < channels; c++, in += 4 * planes)
    for (int p = 0; p < pictures; p++)
      for (int y = 0; y < 2 * side; y++) {
        const f32 *left = in + 2 * (y & 1) * planes + p * places + (y >> 1) * side;
        const f32 *right = left + planes;
        for (int x = 0; x < side; x++, out += 2) out[0] = left[x], out[1] = right[x];
      }
}

/* e^x, relative error below 2e-7: x = n ln 2 + r, a polynomial for e^r, n into the exponent. */
static v128_t exponential(v128_t x) {
  x = wasm_f32x4_max(wasm_f32x4_splat(-87), wasm_f32x4_min(wasm_f32x4_splat(87), x));
  v128_t n = wasm_f32x4_nearest(wasm_f32x4_mul(x, wasm_f32x4_splat(1.44269504f)));
  v128_t r = wasm_f32x4_sub(x, wasm_f32x4_mul(n, wasm_f32x4_splat(0.693359375f)));
  r = wasm_f32x4_add(r, wasm_f32x4_mul(n, wasm_f32x4_splat(2.12194440e-4f)));
  static const f32 factor[] = {1.98412698e-4f, 1.38888889e-3f, 8.33333333e-3f, 4.16666667e-2f,
                               1.66666667e-1f, 0.5f,           1.0f,           1.0f};
  v128_t sum = wasm_f32x4_splat(factor[0]);
  for (int i = 1; i < 8; i++)
    sum = wasm_f32x4_add(wasm_f32x4_mul(sum, r), wasm_f32x4_splat(factor[i]));
  v128_t power = wasm_i32x4_shl(
      wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_splat(127)), 23);
  return wasm_f32x4_mul(sum, power);
}

/* x · sigmoid(x) of each number, n a multiple of 4. */
void EXPORT(silu)(const f32 *in, f32 *out, int n) {
  v128_t one = wasm_f32x4_splat(1);
  for (int i = 0; i < n; i += 4) {
    v128_t x = wasm_v128_load(in + i);
    wasm_v128_store(out + i,
                    wasm_f32x4_div(x, wasm_f32x4_add(one, exponential(wasm_f32x4_neg(x)))));
  }
}

/* Norm over a whole picture, then out = norm · gain[p][c] + shift[p][c]. */
void EXPORT(norm)(const f32 *in, const f32 *gain, const f32 *shift, f32 *out, int channels,
                  int pictures, int places) {
  for (int p = 0; p < pictures; p++) {
    double sum = 0, squares = 0, n = (double)channels * places;
    for (int c = 0; c < channels; c++) {
      const f32 *x = in + (c * pictures + p) * places;
      for (int i = 0; i < places; i++) sum += x[i], squares += (double)x[i] * x[i];
    }
    double mean = sum / n;
    f32 over = 1 / __builtin_sqrt(squares / n - mean * mean + 1e-5);
    for (int c = 0; c < channels; c++) {
      const f32 *x = in + (c * pictures + p) * places;
      f32 *y = out + (c * pictures + p) * places, a = gain[p * channels + c];
      v128_t factor = wasm_f32x4_splat(over * a);
      v128_t rest = wasm_f32x4_splat(shift[p * channels + c] - (f32)mean * over * a);
      for (int i = 0; i < places; i += 4)
        wasm_v128_store(y + i, wasm_f32x4_add(wasm_f32x4_mul(wasm_v128_load(x + i), factor), rest));
    }
  }
}

/* out += in */
void EXPORT(add)(const f32 *in, f32 *out, int n) {
  for (int i = 0; i < n; i += 4)
    wasm_v128_store(out + i, wasm_f32x4_add(wasm_v128_load(out + i), wasm_v128_load(in + i)));
}

/* Every place looks at every other: in holds queries, keys and values, [3 · width][picture][place];
   room has places² numbers. */
void EXPORT(attend)(const f32 *in, f32 *out, f32 *room, int width, int heads, int pictures,
                    int places) {
  int each = width / heads, row = pictures * places;
  f32 scale = 1 / __builtin_sqrtf(each);
  for (int p = 0; p < pictures; p++)
    for (int h = 0; h < heads; h++) {
      const f32 *q = in + h * each * row + p * places, *k = q + width * row, *v = k + width * row;
      for (int i = 0; i < places; i++) {
        f32 *looks = room + i * places, top = -1e30f, total = 0;
        for (int j = 0; j < places; j++) {
          f32 dot = 0;
          for (int c = 0; c < each; c++) dot += q[c * row + i] * k[c * row + j];
          looks[j] = dot * scale;
          if (looks[j] > top) top = looks[j];
        }
        for (int j = 0; j < places; j += 4)
          wasm_v128_store(looks + j, exponential(wasm_f32x4_sub(wasm_v128_load(looks + j),
                                                                wasm_f32x4_splat(top))));
        for (int j = 0; j < places; j++) total += looks[j];
        for (int c = 0; c < each; c++) {
          f32 sum = 0;
          for (int j = 0; j < places; j++) sum += looks[j] * v[c * row + j];
          out[(h * each + c) * row + p * places + i] = sum / total;
        }
      }
    }
}
