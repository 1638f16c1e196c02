// Guidance explorer: the same noise, one prompt, all strengths of guidance; measured accuracy beside.
import { choice, curves, key, make, painter, picture, sheet, slider } from "./common.js";

export default {
  async render({ model, el }) {
    const width = model.get("width"), height = model.get("height");
    const prompts = model.get("prompts"), scales = model.get("scales"), each = model.get("each");
    const last = scales.length - 1;
    const show = await sheet(model, width, height);
    let chosen = 0;
    const large = Array.from({ length: each }, () => picture(width, height, each > 1 ? 160 : 256, ""));
    const small = scales.map(() => picture(width, height, 64, ""));
    small.forEach(({ canvas }) => canvas.setAttribute("aria-hidden", "true"));
    const strip = make("div", { class: "dl-strip", "aria-hidden": "true",
      style: `grid-template-columns: repeat(${scales.length}, minmax(0, 64px))` },
      ...small.map(({ box }, k) => make("div", {}, box, make("p", { class: "dl-note" }, `${scales[k]}`))));

    const charts = model.get("measured").map(({ title, y, yticks, lines }) => {
      const chart = curves({ lines, x: [0, last], y, yticks, height: 180,
        xticks: scales.map((w, k) => [k, w]), xlabel: "guidance w", ylabel: title,
        label: `${title}, measured at each strength of guidance` });
      const said = make("span", { class: "dl-note dl-read" });
      const go = (k) => {
        chart.go(k);
        said.textContent = lines.map((line) => `${line.name} ${line.values[k]}`).join(", ");
      };
      const legend = lines.length > 1 ? lines.map((line) =>
        make("span", { class: "dl-note" }, key(line.color, line.dash), line.name)) : [];
      return { box: make("div", { class: "dl-stack" }, chart.svg, ...legend, said), go };
    });

    const words = (w) => ({ 0: " (the words are not heard)", 1: " (as trained, no extra push)" })[w] ?? "";
    const level = slider({ name: "guidance w", min: 0, max: last, value: model.get("start"),
      say: (k) => `${scales[k]}${words(scales[k])}`, changed: () => paint() });
    function all() {
      const k = level.value;
      large.forEach((view, i) => {
        show(view, k * each + i, chosen);
        view.canvas.setAttribute("aria-label", `${prompts[chosen]}, guidance ${scales[k]}`);
      });
      small.forEach((view, i) => {
        show(view, i * each, chosen);
        view.box.classList.toggle("dl-now", i === k);
      });
      charts.forEach((chart) => chart.go(k));
      level.tell();
    }
    const paint = painter(all);
    const which = choice({ name: model.get("what"), options: prompts,
      changed: (i) => { chosen = i; paint(); } });
    el.append(which, level.row,
      make("div", { class: "dl-row" },
        make("div", { class: "dl-stack" },
          make("div", { class: "dl-many" }, ...large.map(({ box }) => box)), strip),
        ...charts.map((chart) => chart.box)));
    all();
  },
};
