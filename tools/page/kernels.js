// The functions of kernels.c in plain JavaScript, for browsers without WebAssembly SIMD. ``memory``
// is the Float32Array of all numbers; addresses are in bytes, as in C.
export function plainKernels(memory) {
  const at = (address) => address >> 2;

  function conv(input, weight, bias, output, room, ins, outs, pictures, side, kernel, stride) {
    const to = side / stride, pad = kernel >> 1, places = pictures * to * to;
    const inner = ins * kernel * kernel;
    let next = at(room); // here simply [channel, dy, dx][place]
    for (let c = 0; c < ins; c++)
      for (let dy = 0; dy < kernel; dy++)
        for (let dx = 0; dx < kernel; dx++)
          for (let p = 0; p < pictures; p++) {
            const from = at(input) + (c * pictures + p) * side * side;
            for (let y = 0; y < to; y++) {
              const row = y * stride + dy - pad;
              for (let x = 0; x < to; x++) {
                const column = x * stride + dx - pad;
                const inside = row >= 0 && row < side && column >= 0 && column < side;
                memory[next++] = inside ? memory[from + row * side + column] : 0;
              }
            }
          }
    const w = at(weight), b = at(bias), out = at(output);
    for (let o = 0; o < outs; o++) {
      const row = memory.subarray(out + o * places, out + (o + 1) * places).fill(memory[b + o]);
      for (let k = 0; k < inner; k++) {
        const factor = memory[w + ((o >> 2) * inner + k) * 4 + (o & 3)];
        const from = at(room) + k * places;
        for (let n = 0; n < places; n++) row[n] += factor * memory[from + n];
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

  return { conv, linear, silu, norm, add, attend };
}
