// What the figures share. Plain DOM, no library; Python puts this text in front of each figure's,
// and in front of it the two colours SIGNAL and NOISE; those of curves come with their data.

// JupyterLab takes the arrow keys away from whatever does not carry this.
const KEYS = { "data-lm-suppress-shortcuts": "true" };
const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const make = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);

export const draw = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

/** A name that no other figure of the page has: each brings its own copy of this module. */
export function fresh(prefix) {
  globalThis.dlNames = (globalThis.dlNames ?? 0) + 1;
  return `dl-${prefix}-${globalThis.dlNames}`;
}

/** Call `paint` once in the next frame, however often it is asked for before. */
export function painter(paint) {
  let requested = 0;
  return () => {
    requested ||= requestAnimationFrame(() => {
      requested = 0;
      paint();
    });
  };
}

/** A slider with its name and its value in words: read out once, through aria-valuetext. */
export function slider({ name, min, max, step = 1, value, say, changed }) {
  const id = fresh("slider");
  const input = make("input", { id, type: "range", min, max, step, value, ...KEYS });
  const words = make("span", { class: "dl-read", "aria-hidden": "true" });
  const tell = () => {
    const said = say(Number(input.value));
    words.textContent = said;
    input.setAttribute("aria-valuetext", said);
  };
  input.addEventListener("input", () => changed(Number(input.value)));
  const row = make("div", { class: "dl-control" }, make("label", { for: id }, name), input, words);
  return {
    row, input, tell,
    get value() { return Number(input.value); },
    set value(number) { input.value = number; },
  };
}

/** Radio buttons; `key(i)` may give a picture that goes before the name. */
export function choice({ name, options, changed, key = () => null }) {
  const group = fresh("choice");
  const inputs = options.map((option, i) => {
    const input = make("input", { type: "radio", name: group, value: i, ...KEYS });
    input.checked = i === 0;
    input.addEventListener("change", () => changed(i));
    return input;
  });
  const labels = options.map((option, i) =>
    make("label", {}, inputs[i], ...[key(i)].filter(Boolean), option));
  return make("fieldset", { hidden: options.length > 1 ? null : "" },
    make("legend", {}, name), ...labels);
}

export function check({ name, changed }) {
  const input = make("input", { type: "checkbox", ...KEYS });
  input.addEventListener("change", () => changed(input.checked));
  return make("label", { class: "dl-check" }, input, name);
}

export const button = (name, pressed) => make("button", { type: "button", onclick: pressed }, name);

/** A canvas of exact pixels, enlarged a whole number of times to about `size` on the screen. */
export function picture(width, height, size, label) {
  const times = Math.max(1, Math.floor(size / width));
  const canvas = make("canvas", { width, height, role: "img", "aria-label": label });
  const box = make("div", { class: "dl-picture", style: `width: ${width * times}px` }, canvas);
  return { box, canvas, context: canvas.getContext("2d", { alpha: false }) };
}

/** An opaque image of width × height: `pixels` are its bytes (R, G, B, 255), `show` paints them. */
export function bitmap(target, width, height) {
  const image = target.context.createImageData(width, height);
  image.data.fill(255);
  const pixels = image.data, values = width * height * 3;
  const show = () => target.context.putImageData(image, 0, 0);
  return {
    pixels,
    show,
    /** Paint picture i of many that came as bytes, (n, height, width, 3). */
    unpack(bytes, i) {
      for (let k = i * values, p = 0; k < (i + 1) * values; k += 3, p += 4) {
        pixels[p] = bytes[k];
        pixels[p + 1] = bytes[k + 1];
        pixels[p + 2] = bytes[k + 2];
      }
      show();
    },
  };
}

/** Bytes as a list of numbers of `Kind`; hosts hand them over as DataView. */
export function numbers(model, name, Kind = Uint8Array) {
  const view = model.get(name);
  return new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

// --- random numbers that Python can repeat: interactive.hashed_noise and interactive.hashed_order ---

function mixed(x) {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

const keyed = (seed) => mixed((seed + 0x9e3779b9) | 0);

/** Fill `out` (Int16Array) with Gaussian noise times 6,500. */
export function gaussian(seed, out) {
  const key = keyed(seed);
  for (let k = 0; k < out.length; k += 2) {
    const u = (mixed((mixed(k) + key) | 0) + 1) / 4294967296;
    const angle = (2 * Math.PI * mixed((mixed(k + 1) + key) | 0)) / 4294967296;
    const radius = 6500 * Math.sqrt(-2 * Math.log(u));
    out[k] = limited(radius * Math.cos(angle));
    if (k + 1 < out.length) out[k + 1] = limited(radius * Math.sin(angle));
  }
  return out;
}

const limited = (x) => Math.max(-32767, Math.min(32767, Math.floor(x + 0.5)));

/** The numbers 0 … n − 1 in an order that `seed` decides. */
export function shuffled(seed, n) {
  const key = keyed(seed), order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i -= 1) {
    const j = mixed((mixed(i) + key) | 0) % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// --- charts: SVG, so that they stay sharp at any zoom and follow the theme ---

const EDGE = { left: 56, right: 12, top: 8, bottom: 36 };

/** Axes with ticks and names; x(v) and y(v) turn values into places. */
export function axes({ width = 340, height = 170, x: [x0, x1], y: [y0, y1], xticks, yticks,
  xlabel, ylabel, label }) {
  const right = width - EDGE.right, bottom = height - EDGE.bottom;
  const x = (v) => EDGE.left + ((v - x0) / (x1 - x0)) * (right - EDGE.left);
  const y = (v) => bottom - ((v - y0) / (y1 - y0)) * (bottom - EDGE.top);
  const write = (words, more) => draw("text", { "text-anchor": "middle", ...more }, words);
  const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": label });
  for (const [value, words] of xticks) {
    svg.append(
      draw("path", { d: `M${x(value)} ${bottom}v5`, stroke: "currentColor" }),
      write(words, { x: x(value), y: bottom + 17 }));
  }
  for (const [value, words] of yticks) {
    svg.append(
      draw("path", { d: `M${EDGE.left} ${y(value)}H${right}`, stroke: "currentColor", opacity: 0.18 }),
      write(words, { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }));
  }
  const middle = (EDGE.top + bottom) / 2;
  svg.append(
    draw("path", { d: `M${EDGE.left} ${EDGE.top}V${bottom}H${right}`, fill: "none",
      stroke: "currentColor" }),
    write(xlabel, { x: (EDGE.left + right) / 2, y: height - 4 }),
    write(ylabel, { transform: `translate(11 ${middle}) rotate(-90)` }));
  return { svg, x, y, left: EDGE.left, right, top: EDGE.top, bottom };
}

/** How often each value occurs, in per cent: bars for now, an outline for what it was before. */
export function histogram({ span, bins = 64, top, color = NOISE, marks = [-1, 1], label }) {
  const whole = Array.from({ length: 1 + Math.floor(span[1]) - Math.ceil(span[0]) },
    (_, i) => Math.ceil(span[0]) + i);
  const step = top > 12 ? 5 : 2;
  const ys = Array.from({ length: 1 + Math.floor(top / step) }, (_, i) => i * step);
  const plot = axes({ x: span, y: [0, top], xticks: whole.map((v) => [v, sign(v)]),
    yticks: ys.map((v) => [v, v]), xlabel: "value", ylabel: "% of all values", label });
  const bars = draw("path", { fill: color });
  const before = draw("path", { fill: "none", stroke: SIGNAL, "stroke-width": 1.8 });
  plot.svg.append(bars, before);
  for (const mark of marks) {
    plot.svg.append(draw("path", { d: `M${plot.x(mark)} ${plot.top}V${plot.bottom}`,
      stroke: "currentColor", "stroke-width": 1.4, "stroke-dasharray": "2 3" }));
  }
  const width = (plot.right - plot.left) / bins, counts = new Uint32Array(bins);
  const scale = bins / (span[1] - span[0]);
  const outline = (total) => {
    let d = `M${plot.left} ${plot.bottom}`;
    for (let i = 0; i < bins; i += 1) {
      d += `V${plot.y(Math.min(top, (100 * counts[i]) / total)).toFixed(1)}h${width.toFixed(3)}`;
    }
    return `${d}V${plot.bottom}`;
  };
  return {
    svg: plot.svg, counts,
    clear: () => counts.fill(0),
    // Beyond the span a value counts nowhere, as in the course's other histograms.
    add: (v) => { if (v >= span[0] && v < span[1]) counts[((v - span[0]) * scale) | 0] += 1; },
    show: (total) => bars.setAttribute("d", `${outline(total)}Z`),
    keep: (total) => before.setAttribute("d", outline(total)),
  };
}

/** Named curves over 0 … n − 1 (`at` gives other places), with a line that says where one is. */
export function curves({ lines, at = null, ...rest }) {
  const plot = axes(rest);
  const place = (i) => (at ? at[i] : i);
  const path = (values) => {
    const every = Math.max(1, Math.floor(values.length / 250));
    const [low, high] = rest.y;
    let d = "";
    for (let i = 0; i < values.length; i += 1) {
      if (i % every && i !== values.length - 1) continue;
      const v = Math.max(low, Math.min(high, values[i]));
      d += `${d ? "L" : "M"}${plot.x(place(i)).toFixed(1)} ${plot.y(v).toFixed(1)}`;
    }
    return d;
  };
  const drawn = lines.map(({ values, color, dash }) => {
    const line = draw("path", { d: path(values), fill: "none", stroke: color, "stroke-width": 2.2,
      "stroke-dasharray": dash || null });
    plot.svg.append(line);
    return line;
  });
  const now = draw("path", { d: `M0 ${plot.top}V${plot.bottom}`, stroke: "currentColor" });
  const dots = lines.map(({ color }) => draw("circle", { r: 5, fill: color, stroke: "currentColor" }));
  plot.svg.append(now, ...dots);
  return {
    ...plot,
    redraw: (i, values) => drawn[i].setAttribute("d", path(values)),
    /** Go to place k; `only` is the one curve that gets a dot (default: all). */
    go: (k, only = null) => {
      const x = plot.x(place(k));
      now.setAttribute("transform", `translate(${x} 0)`);
      dots.forEach((dot, i) => {
        const v = Math.max(rest.y[0], Math.min(rest.y[1], lines[i].values[k]));
        dot.setAttribute("cx", x);
        dot.setAttribute("cy", plot.y(v));
        dot.setAttribute("visibility", only === null || only === i ? "visible" : "hidden");
      });
    },
  };
}

/** The line of a curve, small, for its name. */
export const key = (color, dash) =>
  draw("svg", { class: "dl-key", width: 30, height: 12, "aria-hidden": "true" },
    draw("path", { d: "M1 6H29", stroke: color, "stroke-width": 2.4, "stroke-dasharray": dash || null }));

export const sign = (v, digits = 0) =>
  Number(v).toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−");

export const percent = (share) =>
  `${share >= 0.1 || share === 0 ? Math.round(100 * share)
    : share >= 0.0001 ? Number((100 * share).toPrecision(2)) : "less than 0.01"} %`;

/** Pictures that came as one large picture (WebP or PNG): `show` paints column i of row j. */
export async function sheet(model, width, height) {
  const view = model.get("sheet");
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  const blob = new Blob([bytes], { type: model.get("sheet_type") });
  const whole = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  return (target, i, j) =>
    target.context.drawImage(whole, i * width, j * height, width, height, 0, 0, width, height);
}

/** Bring a stored figure to life: what is in its HTML plays the part of a widget's model. */
export async function mount(root, { render }) {
  const given = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const bytes = {};
  for (const [name, text] of Object.entries(given.bytes)) {
    bytes[name] = new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  }
  const values = { ...given.values, ...bytes };
  const model = { get: (name) => values[name], set() {}, save_changes() {}, on() {}, off() {} };
  const el = make("div");
  await render({ model, el });
  // Only now: should anything fail, the picture stays.
  root.querySelector(".dl-still").hidden = true;
  root.append(el);
  root.dataset.live = "true";
}
