/* The arithmetic of the drawing page, for WebAssembly with 128-bit SIMD. Built by
   `python tools/export_page.py --kernels`; kernels.js holds the same functions without SIMD.

   All numbers are floats in one memory that JavaScript lays out; pointers are byte addresses.
   Activations are [channel][picture][place], so that a row of pictures × places can be worked
   through four at a time. */
#include <wasm_simd128.h>

typedef float f32;
#define EXPORT(name) __attribute__((export_name(#name))) name

/* The rows of a matrix product for convolution: columns[(channel, dy, dx)][picture, place]. */
static void unfolded(const f32 *in, f32 *columns, int channels, int pictures, int side, int kernel,
                     int stride) {
  int out = side / stride, pad = kernel / 2;
  for (int c = 0; c < channels; c++)
    for (int dy = 0; dy < kernel; dy++)
      for (int dx = 0; dx < kernel; dx++)
        for (int p = 0; p < pictures; p++) {
          const f32 *from = in + (c * pictures + p) * side * side;
          for (int y = 0; y < out; y++) {
            int row = y * stride + dy - pad;
            for (int x = 0; x < out; x++) {
              int column = x * stride + dx - pad;
              int inside = row >= 0 && row < side && column >= 0 && column < side;
              *columns++ = inside ? from[row * side + column] : 0;
            }
          }
        }
}

/* out[o][n] = bias[o] + Σ_k weight[k][o] · columns[k][n]; o and n are multiples of 4 and 8. */
static void product(const f32 *weight, const f32 *bias, const f32 *columns, f32 *out, int outs,
                    int inner, int places) {
  for (int n = 0; n < places; n += 8)
    for (int o = 0; o < outs; o += 4) {
      v128_t sum[4][2];
      for (int i = 0; i < 4; i++) sum[i][0] = sum[i][1] = wasm_f32x4_splat(bias[o + i]);
      const f32 *w = weight + o, *x = columns + n;
      for (int k = 0; k < inner; k++, w += outs, x += places) {
        v128_t a = wasm_v128_load(x), b = wasm_v128_load(x + 4);
        for (int i = 0; i < 4; i++) {
          v128_t factor = wasm_v128_load32_splat(w + i);
          sum[i][0] = wasm_f32x4_add(sum[i][0], wasm_f32x4_mul(factor, a));
          sum[i][1] = wasm_f32x4_add(sum[i][1], wasm_f32x4_mul(factor, b));
        }
      }
      for (int i = 0; i < 4; i++) {
        wasm_v128_store(out + (o + i) * places + n, sum[i][0]);
        wasm_v128_store(out + (o + i) * places + n + 4, sum[i][1]);
      }
    }
}

/* A convolution with zeros around the picture; weight is [in, dy, dx][out]. */
void EXPORT(conv)(const f32 *in, const f32 *weight, const f32 *bias, f32 *out, f32 *room, int ins,
                  int outs, int pictures, int side, int kernel, int stride) {
  int to = side / stride, places = pictures * to * to;
  const f32 *columns = in;
  if (kernel > 1 || stride > 1) {
    unfolded(in, room, ins, pictures, side, kernel, stride);
    columns = room;
  }
  product(weight, bias, columns, out, outs, ins * kernel * kernel, places);
}

/* out[p][o] = bias[o] + Σ_i in[p][i] · weight[i][o], for a few rows p. */
void EXPORT(linear)(const f32 *in, const f32 *weight, const f32 *bias, f32 *out, int ins, int outs,
                    int rows) {
  for (int p = 0; p < rows; p++)
    for (int o = 0; o < outs; o += 4) {
      v128_t sum = wasm_v128_load(bias + o);
      for (int i = 0; i < ins; i++)
        sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_f32x4_splat(in[p * ins + i]),
                                                 wasm_v128_load(weight + i * outs + o)));
      wasm_v128_store(out + p * outs + o, sum);
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
