// The functions of kernels.c in plain JavaScript, for browsers without WebAssembly SIMD. ``memory``
// is the Float32Array of all numbers; addresses are in bytes, as in C.
export function plainKernels(memory) {
  const at = (address) => address >> 2;

  function conv(input, weight, bias, output, room, ins, outs, pictures, side, kernel, stride) {
    const to = side / stride, pad = kernel >> 1, places = pictures * to * to;
    const inner = ins * kernel * kernel, panel = new Float64Array(4 * inner);
    for (let n = 0; n < places; n += 4) {
      // What four places see, [channel, dy, dx][place].
      for (let j = 0; j < 4; j++) {
        const p = Math.floor((n + j) / (to * to)), y = Math.floor((n + j) / to) % to;
        const top = y * stride - pad, left = ((n + j) % to) * stride - pad;
        for (let c = 0, at_ = j; c < ins; c++) {
          const from = at(input) + (c * pictures + p) * side * side;
          for (let row = top; row < top + kernel; row++)
            for (let column = left; column < left + kernel; column++, at_ += 4) {
              const inside = row >= 0 && row < side && column >= 0 && column < side;
              panel[at_] = inside ? memory[from + row * side + column] : 0;
            }
        }
      }
      for (let o = 0; o < outs; o += 4) {
        let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
        let c0 = 0, c1 = 0, c2 = 0, c3 = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0;
        for (let k = 0, w = at(weight) + o * inner; k < 4 * inner; k += 4, w += 4) {
          const x0 = panel[k], x1 = panel[k + 1], x2 = panel[k + 2], x3 = panel[k + 3];
          const wa = memory[w], wb = memory[w + 1], wc = memory[w + 2], wd = memory[w + 3];
          a0 += wa * x0; a1 += wa * x1; a2 += wa * x2; a3 += wa * x3;
          b0 += wb * x0; b1 += wb * x1; b2 += wb * x2; b3 += wb * x3;
          c0 += wc * x0; c1 += wc * x1; c2 += wc * x2; c3 += wc * x3;
          d0 += wd * x0; d1 += wd * x1; d2 += wd * x2; d3 += wd * x3;
        }
        const sums = [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3];
        for (let i = 0; i < 16; i++) {
          const row = o + (i >> 2);
          memory[at(output) + row * places + n + (i & 3)] = sums[i] + memory[at(bias) + row];
        }
      }
    }
  }

  function linear(input, weight, bias, output, ins, outs, rows) {
    for (let p = 0; p < rows; p++)
      for (let o = 0; o < outs; o++) {
        let sum = memory[at(bias) + o];
        for (let i = 0; i < ins; i++)
          sum += memory[at(input) + p * ins + i] * memory[at(weight) + i * outs + o];
        memory[at(output) + p * outs + o] = sum;
      }
  }

  function unfold(input, output, channels, pictures, side) {
    const places = side * side, planes = pictures * places;
    let next = at(output);
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < pictures; p++)
        for (let y = 0; y < 2 * side; y++) {
          const left = at(input) + (4 * c + 2 * (y & 1)) * planes + p * places + (y >> 1) * side;
          for (let x = 0; x < side; x++) {
            memory[next++] = memory[left + x];
            memory[next++] = memory[left + planes + x];
          }
        }
  }

  function silu(input, output, n) {
    for (let i = 0; i < n; i++) {
      const x = memory[at(input) + i];
      memory[at(output) + i] = x / (1 + Math.exp(-x));
    }
  }

  function norm(input, gain, shift, output, channels, pictures, places) {
    for (let p = 0; p < pictures; p++) {
      let sum = 0, squares = 0;
      for (let c = 0; c < channels; c++)
        for (let i = 0; i < places; i++) {
          const x = memory[at(input) + (c * pictures + p) * places + i];
          sum += x;
          squares += x * x;
        }
      const n = channels * places, mean = sum / n;
      const over = 1 / Math.sqrt(squares / n - mean * mean + 1e-5);
      for (let c = 0; c < channels; c++) {
        const factor = over * memory[at(gain) + p * channels + c];
        const rest = memory[at(shift) + p * channels + c] - mean * factor;
        const first = (c * pictures + p) * places;
        for (let i = first; i < first + places; i++)
          memory[at(output) + i] = memory[at(input) + i] * factor + rest;
      }
    }
  }

  function add(input, output, n) {
    for (let i = 0; i < n; i++) memory[at(output) + i] += memory[at(input) + i];
  }

  function attend(input, output, room, width, heads, pictures, places) {
    const each = width / heads, row = pictures * places, looks = at(room);
    for (let p = 0; p < pictures; p++)
      for (let h = 0; h < heads; h++) {
        const q = at(input) + h * each * row + p * places, k = q + width * row, v = k + width * row;
        for (let i = 0; i < places; i++) {
          let top = -Infinity, total = 0;
          for (let j = 0; j < places; j++) {
            let dot = 0;
            for (let c = 0; c < each; c++) dot += memory[q + c * row + i] * memory[k + c * row + j];
            memory[looks + j] = dot / Math.sqrt(each);
            top = Math.max(top, memory[looks + j]);
          }
          for (let j = 0; j < places; j++) {
            memory[looks + j] = Math.exp(memory[looks + j] - top);
            total += memory[looks + j];
          }
          for (let c = 0; c < each; c++) {
            let sum = 0;
            for (let j = 0; j < places; j++) sum += memory[looks + j] * memory[v + c * row + j];
            memory[at(output) + (h * each + c) * row + p * places + i] = sum / total;
          }
        }
      }
  }

  return { conv, linear, unfold, silu, norm, add, attend };
}
