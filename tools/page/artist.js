// The worker that draws: it hears wishes and answers with frames, as live.PromptBox does in Python,
// so that the same figure (js/prompt.js) shows both.
import { createEngine, knowsSimd } from "./engine.js";
import { normalNumbers } from "./random.js";
import { createReader, createSampler } from "./words.js";

const AT_ONCE = 8; // pictures that the engine has room for

// From T to 0 in n steps, as schedules.Schedule.timesteps: rounded, halves to the even number.
export function timesteps(T, n) {
  return Array.from({ length: n + 1 }, (_, i) => {
    const t = T - (T * i) / n, low = Math.floor(t);
    if (t - low === 0.5) return low % 2 ? low + 1 : low;
    return Math.round(t);
  });
}

// generate.trajectory: DPM-Solver++(2M) on the network's v, guided between two levels; yields
// {t, x_t, x0_hat}.
export function* trajectory(engine, world, cond, start, guidance, steps) {
  const { alpha_bar: alphaBar, guided_between: [lowest, highest] } = world;
  const signal = (t) => Math.sqrt(alphaBar[t]), noise = (t) => Math.sqrt(1 - alphaBar[t]);
  const lambda = (t) => Math.log(signal(t) / noise(t));
  const places = timesteps(alphaBar.length - 1, steps);
  const count = cond.length, each = start.length / count;
  const predict = (x, t, words) => { // as many pictures at a time as the engine was made for
    const answer = new Float32Array(x.length);
    for (let first = 0; first < words.length; first += engine.most) {
      const some = words.slice(first, first + engine.most);
      const part = x.subarray(first * each, (first + some.length) * each);
      answer.set(engine.run(part, t, some), first * each);
    }
    return answer;
  };
  let x = start, before = null, gapBefore = 0;
  for (let i = 0; i < steps; i++) {
    const t = places[i], s = places[i + 1];
    const w = t < lowest || t > highest ? Math.min(guidance, 1) : guidance;
    let v;
    if (w === 1) v = predict(x, t, cond);
    else {
      const both = new Float32Array(2 * x.length);
      both.set(x);
      both.set(x, x.length);
      const pred = predict(both, t, [...cond, ...cond.map(() => [])]);
      v = pred.subarray(0, x.length).map((conditional, j) => {
        const unconditional = pred[x.length + j];
        return unconditional + w * (conditional - unconditional);
      });
    }
    const a = signal(t), b = noise(t);
    const guess = x.map((value, j) => a * value - b * v[j]);
    yield { t, x_t: x, x0_hat: guess };
    const gap = s > 0 ? lambda(s) - lambda(t) : Infinity;
    const slope = before && s > 0 && gapBefore > 0 ? (0.5 * gap) / gapBefore : 0;
    const D = slope ? guess.map((value, j) => (1 + slope) * value - slope * before[j]) : guess;
    const as = signal(s), bs = noise(s);
    x = x.map((value, j) => as * D[j] + (bs * (value - a * D[j])) / b);
    before = guess;
    gapBefore = gap;
  }
  yield { t: 0, x_t: x, x0_hat: x };
}

// Floats in [−1, 1] as bytes of [picture][row][column][color], as datasets.to_pixels.
export function asBytes(x, count, side) {
  const bytes = new Uint8ClampedArray(x.length), places = side * side;
  for (let p = 0; p < count; p++)
    for (let i = 0; i < places; i++)
      for (let c = 0; c < 3; c++)
        bytes[(p * places + i) * 3 + c] = (x[(p * 3 + c) * places + i] + 1) * 127.5;
  return bytes; // clamped and rounded, halves to even
}

function fromBase64(text) {
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

// ``parts``: what export_page.py packed; ``simd``: false asks for plain JavaScript, which is also
// what a browser gets that refuses the kernels.
export async function createArtist(parts, simd = knowsSimd()) {
  const { description, tables, world, checks } = parts, weights = fromBase64(parts.weights);
  const made = (wasm) => createEngine(description, weights, wasm, AT_ONCE);
  const engine = simd ? await made(fromBase64(parts.wasm)).catch(() => made(null)) : await made(null);
  const reader = createReader(tables), sampler = createSampler(world), side = description.side;
  const values = 3 * side * side;

  function start(count, seed) {
    const x = new Float32Array(count * values);
    for (let k = 0; k < count; k++) x.set(normalNumbers(seed, k, values), k * values);
    return x;
  }
  // Draws a wish step by step; yields what live.PromptBox answers, with the pictures as numbers.
  function* draw({ text, seed, guidance, steps, count }) {
    const prompt = reader.parse(text), cond = sampler.sampleConditions(prompt, count, seed);
    const response = { text: text.trim().split(/\s+/).join(" "), seed, steps, notes: prompt.notes,
      words: cond.map(sampler.describe), t: timesteps(world.alpha_bar.length - 1, steps) };
    let step = 0;
    for (const state of trajectory(engine, world, cond, start(count, seed), guidance, steps)) {
      const frame = new Uint8Array(2 * count * values);
      frame.set(asBytes(state.x_t, count, side));
      frame.set(asBytes(state.x0_hat, count, side), count * values);
      yield { response: { ...response, step, done: step === steps }, frame, numbers: state.x_t };
      step += 1;
    }
  }
  // Does this browser compute what the course computes? The largest difference of known pictures.
  async function selfCheck(pause) {
    let worst = 0;
    for (const { text, seed, guidance, steps, numbers } of checks) {
      const expected = new Int16Array(fromBase64(numbers).buffer); // in units of 1/10,000
      let last;
      for (last of draw({ text, seed, guidance, steps, count: 1 })) await pause();
      last.numbers.forEach((value, i) => {
        worst = Math.max(worst, Math.abs(value - expected[i] / 10000));
      });
    }
    return worst;
  }
  return { draw, selfCheck };
}

// In a worker: {parts} first, then {request: {number, text (null: stop), seed, …}} or {check: true}.
export function listen(scope) {
  let artist, current = 0; // a promise, so that whoever asks early waits
  const rest = () => new Promise((go) => { // lets newer messages in
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      go();
    };
    port2.postMessage(0);
  });
  async function draw(request) {
    const { number } = request, began = performance.now();
    try {
      for (const { response, frame } of (await artist).draw(request)) {
        if (number !== current) return;
        const seconds = Number(((performance.now() - began) / 1000).toFixed(2));
        scope.postMessage({ response: { number, ...response, seconds }, frame }, [frame.buffer]);
        await rest();
        if (number !== current) return;
      }
    } catch (error) {
      scope.postMessage({ response: { number, error: error.message } });
    }
  }
  scope.onmessage = async ({ data }) => {
    if (data.parts) {
      artist = createArtist(data.parts).catch((error) => {
        throw new Error(`The page cannot draw in this browser: ${error.message}`);
      });
      artist.catch(() => {}); // whoever asks is told
    } else if (data.check) {
      const worst = await artist.then((made) => made.selfCheck(rest)).catch(() => null);
      scope.postMessage({ checked: worst });
    } else {
      current = data.request.number;
      if (data.request.text === null)
        scope.postMessage({ response: { number: current, stopped: true } });
      else draw(data.request);
    }
  };
}
