// Runs a network from its description (see tools/export_page.py): a list of operations on numbered
// places in memory. It knows operations, not networks, so one of another shape needs no change here.
import { plainKernels } from "./kernels.js";

const PAGE = 65536; // bytes

// ``description``: what export_page.Description wrote; ``weights``: its float16 numbers, little-endian;
// ``wasm``: the bytes of kernels.wasm, or null for plain JavaScript; ``most``: pictures at a time.
export async function createEngine(description, weights, wasm, most) {
  const { operations, tensors, buffers, side, channels } = description;
  const unit = description.unit; // a batch is filled up to a multiple of this
  const batch = Math.ceil(most / unit) * unit;
  // One memory: weights, then what flows through the network, then room to unfold a convolution.
  const exports = wasm && (await WebAssembly.instantiate(wasm, {})).instance.exports;
  let end = wasm ? exports.__heap_base.value : 0; // C's constants and its stack lie below
  const place = (count) => {
    const address = end;
    end = (end + 4 * count + 15) & ~15;
    return address;
  };
  const start = Object.fromEntries(tensors.map(([name, count]) => [name, place(count)]));
  const held = buffers.map((count) => place(count * batch));
  const room = place(description.room * batch + description.panel);
  const gain = place(description.widest * batch);
  const shift = place(description.widest * batch);
  if (wasm) exports.memory.grow(Math.ceil((end - exports.memory.buffer.byteLength) / PAGE));
  const memory = wasm ? new Float32Array(exports.memory.buffer) : new Float32Array(end / 4);
  const kernels = wasm ? exports : plainKernels(memory);
  let next = 0;
  for (const [name, count] of tensors) {
    unpackHalves(weights, next, memory, start[name] / 4, count);
    next += 2 * count;
  }

  // x: Float32Array of ``count`` pictures [picture][channel][row][column]; words: for each a list of
  // word numbers. Returns the network's answer in the same layout.
  function run(x, t, words) {
    const count = words.length, pictures = Math.ceil(count / unit) * unit;
    if (pictures > batch) throw new Error(`The engine was made for ${batch} pictures at a time.`);
    const told = Array.from({ length: pictures }, (_, p) => words[Math.min(p, count - 1)]);
    const answer = new Float32Array(count * channels * side * side);
    const rows = (buffer) => held[buffer] / 4;
    const does = {
      time({ to, width }) {
        for (let p = 0; p < pictures; p++)
          for (let i = 0; i < width / 2; i++) {
            const angle = t * Math.exp(-Math.log(10000) * i / (width / 2));
            memory[rows(to) + p * width + i] = Math.cos(angle);
            memory[rows(to) + p * width + width / 2 + i] = Math.sin(angle);
          }
      },
      words({ to, weight, width }) {
        told.forEach((ids, p) => ids.forEach((id) => {
          if (!id) return;
          for (let i = 0; i < width; i++)
            memory[rows(to) + p * width + i] += memory[start[weight] / 4 + id * width + i];
        }));
      },
      // 2×2 places of each channel become four channels of one place.
      fold({ to }) {
        const half = side / 2;
        for (let p = 0; p < pictures; p++) {
          const from = Math.min(p, count - 1) * channels * side * side;
          for (let c = 0; c < channels; c++)
            for (let y = 0; y < side; y++)
              for (let x_ = 0; x_ < side; x_++) {
                const channel = 4 * c + 2 * (y & 1) + (x_ & 1);
                memory[rows(to) + (channel * pictures + p) * half * half + (y >> 1) * half +
                  (x_ >> 1)] = x[from + (c * side + y) * side + x_];
              }
        }
      },
      unfold({ from, to, channels: into, side: small }) {
        kernels.unfold(held[from], held[to], into, pictures, small);
      },
      linear({ from, to, weight, bias, ins, outs }) {
        kernels.linear(held[from], start[weight], start[bias], held[to], ins, outs, pictures);
      },
      conv({ from, to, weight, bias, ins, outs, side: wide, kernel, stride }) {
        kernels.conv(held[from], start[weight], start[bias], held[to], room, ins, outs, pictures,
          wide, kernel, stride);
      },
      silu({ from, to, count: each }) {
        kernels.silu(held[from], held[to], each * pictures);
      },
      // Norm with its own gain and shift, then a scale and a shift that time and words ask for.
      norm({ from, to, weight, bias, channels: wide, places, by, at, width }) {
        const g = start[weight] / 4, b = start[bias] / 4;
        for (let p = 0; p < pictures; p++)
          for (let c = 0; c < wide; c++) {
            const asked = by === undefined ? 0 : rows(by) + p * width + at + c;
            const scale = by === undefined ? 1 : 1 + memory[asked];
            const more = by === undefined ? 0 : memory[asked + wide];
            memory[gain / 4 + p * wide + c] = memory[g + c] * scale;
            memory[shift / 4 + p * wide + c] = memory[b + c] * scale + more;
          }
        kernels.norm(held[from], gain, shift, held[to], wide, pictures, places);
      },
      add({ from, to, count: each }) {
        kernels.add(held[from], held[to], each * pictures);
      },
      attend({ from, to, width, heads, places }) {
        kernels.attend(held[from], held[to], room, width, heads, pictures, places);
      },
      answer({ from }) {
        const places = side * side;
        for (let p = 0; p < count; p++)
          for (let c = 0; c < channels; c++) {
            const first = rows(from) + (c * pictures + p) * places;
            answer.set(memory.subarray(first, first + places), (p * channels + c) * places);
          }
      },
    };
    for (const operation of operations) does[operation.do](operation);
    return answer;
  }
  return { run, most: batch, simd: !!wasm };
}

// Little-endian float16 numbers as float32.
function unpackHalves(bytes, from, into, at, count) {
  const halves = new DataView(bytes.buffer, bytes.byteOffset + from, 2 * count);
  for (let i = 0; i < count; i++) {
    const half = halves.getUint16(2 * i, true), exponent = (half >> 10) & 31, rest = half & 1023;
    const size = exponent ? (1 + rest / 1024) * 2 ** (exponent - 15) : rest * 2 ** -24;
    into[at + i] = half & 32768 ? -size : size;
  }
}

// A few bytes of WebAssembly that use SIMD: does this browser know it?
export function knowsSimd() {
  return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253,
    15, 253, 98, 11]));
}
