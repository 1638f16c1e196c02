// Noise explorer: x = signal · x₀ + noise · ε, worked out here from x₀ (bytes), ε (int16) and ᾱ.
import {
  bitmap, button, check, choice, curves, gaussian, histogram, key, make, numbers, painter, percent,
  picture, sign, slider,
} from "./common.js";

const TENTHS = 20; // a strength of noise moves in twentieths

export default {
  render({ model, el }) {
    const width = model.get("width"), height = model.get("height"), name = model.get("name");
    const x0 = numbers(model, "x0"), seed = model.get("seed"), total = x0.length;
    const eps = new Int16Array(total);
    const schedules = model.get("schedules").map((s) =>
      ({ ...s, values: numbers(model, s.bytes, Float32Array), lost: null }));
    const stepped = schedules.length > 0;
    const T = stepped ? schedules[0].values.length - 1 : TENTHS * model.get("strongest");
    const bent = schedules.findIndex((s) => s.bend !== undefined);
    let chosen = 0, noise = 0, drawn = -1, wraps = false, always = false;
    let row = Math.floor(height / 2), column = Math.floor(width / 2), lost = null;

    const left = (t) => schedules[chosen].values[t];
    const rates = (t) => stepped ? [Math.sqrt(left(t)), Math.sqrt(1 - left(t))] : [1, t / TENTHS];
    const place = (t) => stepped ? `t = ${t}` : `strength ${(t / TENTHS).toFixed(2)}`;
    const say = (t) => stepped ? `${t}: ${percent(left(t))} of the power left, ᾱ` : (t / TENTHS).toFixed(2);

    // --- the parts ---
    const view = picture(width, height, 300, "");
    const image = bitmap(view, width, height);
    view.canvas.removeAttribute("role");
    view.canvas.setAttribute("aria-hidden", "true");
    const cross = make("div", { class: "dl-cross" });
    Object.assign(cross.style, { width: `${100 / width}%`, height: `${100 / height}%` });
    view.box.append(cross);
    view.box.classList.add("dl-pick");
    for (const [attribute, value] of Object.entries({
      tabindex: "0", role: "application", "data-lm-suppress-shortcuts": "true",
      "aria-label": `The picture, ${width} by ${height} pixels: arrow keys choose one`,
    })) view.box.setAttribute(attribute, value);

    const rows = ["clear picture", "noise added", "sum, as a float", "as a byte, clipped",
      "as a byte, wrapped round"];
    const cells = rows.map(() => [0, 1, 2, 3].map(() => make("td")));
    const swatches = rows.map(() => make("span", { class: "dl-swatch" }));
    [0, 3, 4].forEach((i) => cells[i][3].append(swatches[i]));
    const head = make("span");
    const heard = make("span", { class: "dl-unseen", role: "status" });
    const table = make("table", {},
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, head),
        ...["red", "green", "blue"].map((c) => make("th", { scope: "col" }, c)), make("td"))),
      make("tbody", {}, ...rows.map((words, i) =>
        make("tr", {}, make("th", { scope: "row" }, words), ...cells[i]))));

    const bars = histogram({ span: [-3.5, 3.5], top: model.get("tallest"),
      label: "Histogram: how often each value of the noisy picture occurs, in orange; " +
        "of the clear picture, as a blue outline" });
    for (let i = 0; i < total; i += 1) bars.add(x0[i] / 127.5 - 1);
    bars.keep(total);

    const decibels = (values) => Float32Array.from(values, (a) => 10 * Math.log10(a / (1 - a)));
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => [share * T, Math.round(share * T)]);
    const shares = stepped && curves({
      lines: schedules, x: [0, T], y: [0, 1], height: 160, xticks: ticks,
      yticks: [0, 0.5, 1].map((v) => [v, v]),
      xlabel: "step t: picture → noise", ylabel: "share left, ᾱ",
      label: "The share of the picture's power that is left, falling from 1 to 0 along t" });
    const ratios = schedules.map((s) => ({ ...s, values: decibels(s.values) }));
    const loudness = stepped && curves({
      lines: ratios, x: [0, T], y: [-40, 40], height: 160, xticks: ticks,
      yticks: [-40, -20, 0, 20, 40].map((v) => [v, sign(v)]),
      xlabel: "step t: picture → noise", ylabel: "SNR, decibels",
      label: "Signal-to-noise ratio in decibels, falling along t; 0 is equal" });
    const flags = schedules.map((s) => {
      const flag = make("span");
      shares.svg.insertAdjacentHTML("beforeend",
        `<path d="M0 0l-6 -12h12Z" fill="${s.color}" stroke="currentColor" visibility="hidden"/>`);
      return { flag, mark: shares.svg.lastElementChild };
    });

    const level = slider({ name: stepped ? "noise level, t" : "strength of noise", min: 0, max: T,
      value: model.get("start"), say, changed: () => { if (always) noise += 1; paint(); } });
    const bend = bent < 0 ? null : slider({ name: "my bend", min: 0.5, max: 6, step: 0.1,
      value: schedules[bent].bend, say: (b) => `(1 − t/T) to the power of ${b.toFixed(1)}`,
      changed: (b) => {
        const values = schedules[bent].values;
        for (let t = 0; t <= T; t += 1) values[t] = (1 - t / T) ** b;
        shares.redraw(bent, values);
        ratios[bent].values.set(decibels(values));
        loudness.redraw(bent, ratios[bent].values);
        forget(bent);
        paint();
      } });
    const which = choice({ name: "schedule:", options: schedules.map((s) => s.name),
      key: (i) => key(schedules[i].color, schedules[i].dash),
      changed: (i) => { chosen = i; paint(); } });
    const screen = choice({ name: "the screen shows numbers beyond 0 … 255",
      options: ["clipped", "wrapped round"], changed: (i) => { wraps = i === 1; paint(); } });
    const which_noise = make("span", { class: "dl-read" });
    const other = button("other noise", () => { noise += 1; paint(); });
    const first = button("first noise", () => { noise = 0; paint(); });
    const moving = check({ name: "fresh noise at every move", changed: (on) => { always = on; } });

    const verdict = make("span", { role: "status" });
    const seen = [];
    const sum_up = () => {
      verdict.textContent = seen.filter(Boolean).join("; ");
    };
    function forget(i) {
      seen[i] = "";
      if (flags[i]) flags[i].mark.setAttribute("visibility", "hidden");
      sum_up();
    }
    const mark = button(`Here I no longer see ${name}`, () => {
      const t = level.value;
      seen[stepped ? chosen : 0] = stepped
        ? `${schedules[chosen].name}: lost at t = ${t}, where ${percent(left(t))} is left`
        : `lost at strength ${(t / TENTHS).toFixed(2)}`;
      if (stepped) {
        flags[chosen].mark.setAttribute("transform",
          `translate(${shares.x(t)} ${shares.y(left(t)) - 5})`);
        flags[chosen].mark.setAttribute("visibility", "visible");
      }
      sum_up();
    });

    // --- painting ---
    function all() {
      const t = level.value, [signal, grain] = rates(t), pixels = image.pixels;
      if (drawn !== noise) {
        gaussian(seed + noise, eps);
        drawn = noise;
        which_noise.textContent = `noise number ${noise + 1}`;
      }
      const scale = (127.5 * grain) / 6500, { counts } = bars;
      bars.clear();
      // 64 bins over −3.5 … 3.5, of v = 127.5 (x + 1).
      const bin = 64 / (7 * 127.5), shift = 2.5 * 127.5;
      for (let i = 0, k = 0; i < total; k += 1) {
        for (let c = 0; c < 3; c += 1, i += 1, k += 1) {
          const v = signal * (x0[i] - 127.5) + scale * eps[i] + 127.5;
          pixels[k] = wraps ? Math.round(v) & 255 : v;
          const b = Math.floor((v + shift) * bin);
          if (b >= 0 && b < 64) counts[b] += 1;
        }
      }
      image.show();
      bars.show(total);
      level.tell();
      if (stepped) {
        shares.go(t, chosen);
        loudness.go(t, chosen);
      }
      if (bend) {
        bend.row.hidden = chosen !== bent;
        bend.tell();
      }
      one();
    }
    function one() {
      const [signal, grain] = rates(level.value);
      const bytes = [[], [], []];
      head.textContent = `row ${row}, column ${column}`;
      cross.style.left = `${(100 * column) / width}%`;
      cross.style.top = `${(100 * row) / height}%`;
      for (let c = 0; c < 3; c += 1) {
        const i = 3 * (row * width + column) + c, added = (grain * eps[i]) / 6500;
        const x = signal * (x0[i] / 127.5 - 1) + added, whole = Math.round(127.5 * (x + 1));
        bytes[0][c] = x0[i];
        bytes[1][c] = Math.max(0, Math.min(255, whole));
        bytes[2][c] = whole & 255;
        const words = [x0[i], `${added < 0 ? "" : "+"}${sign(added, 2)}`, sign(x, 2),
          bytes[1][c], bytes[2][c]];
        words.forEach((said, r) => { cells[r][c].textContent = said; });
      }
      [0, 3, 4].forEach((r, i) => { swatches[r].style.background = `rgb(${bytes[i].join()})`; });
    }
    const paint = painter(all), point = painter(one);

    // --- one pixel: mouse, touch, arrow keys ---
    function pointed(event) {
      const box = view.canvas.getBoundingClientRect();
      const at = (v, n) => Math.max(0, Math.min(n - 1, Math.floor(v * n)));
      column = at((event.clientX - box.left) / box.width, width);
      row = at((event.clientY - box.top) / box.height, height);
      point();
    }
    view.box.addEventListener("pointermove", pointed);
    view.box.addEventListener("pointerdown", pointed);
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
      PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -width], End: [0, width] };
    view.box.addEventListener("keydown", (event) => {
      if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const [down, along] = moves[event.key];
      row = Math.max(0, Math.min(height - 1, row + down));
      column = Math.max(0, Math.min(width - 1, column + along));
      one();
      const said = (r) => [0, 1, 2].map((c) => cells[r][c].textContent).join(", ");
      heard.textContent = `${head.textContent}: clear ${said(0)}; float ${said(2)}; ` +
        `clipped ${said(3)}; wrapped ${said(4)}`;
    });

    el.append(
      which, level.row, ...(bend ? [bend.row] : []),
      make("div", { class: "dl-line" }, other, first, moving, which_noise),
      make("div", { class: "dl-row" },
        make("div", { class: "dl-stack" }, view.box,
          make("p", { class: "dl-note" }, "Point at a pixel, or go to it with the arrow keys."),
          table, heard),
        make("div", { class: "dl-stack" }, bars.svg,
          ...(stepped ? [shares.svg, loudness.svg] : []))),
      screen,
      make("div", { class: "dl-line" }, mark, verdict));
    all();
  },
};
