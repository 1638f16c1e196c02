// Explorer: sliders that ask Python; it answers with pictures, a sentence and curves.
import { axes, bitmap, choice, draw, key, make, numbers, painter, picture, slider } from "./common.js";

export default {
  render({ model, el }) {
    el.classList.add("dl");
    const { controls, columns, labels, chart, count, width, height, size } = model.get("config");
    const tiles = Array.from({ length: count }, () => {
      const tile = picture(width, height, size, "");
      const title = make("span", { class: "dl-note" });
      const map = bitmap(tile, width, height);
      return { ...tile, title, map, cell: make("div", { class: "dl-slide" }, title, tile.box) };
    });
    const grid = make("div", { class: "dl-grid", style:
      `grid-template-columns: ${labels.length ? "auto " : ""}repeat(${columns}, minmax(0, ${tiles[0].box.style.width}))` });
    tiles.forEach(({ cell }, i) => {
      if (labels.length && i % columns === 0) {
        grid.append(make("span", { class: "dl-note" }, labels[i / columns]));
      }
      grid.append(cell);
    });

    const plot = chart && axes({ width: 420, height: 220, x: chart.x, y: chart.y,
      xticks: chart.xticks, yticks: chart.yticks, xlabel: chart.xlabel, ylabel: chart.ylabel,
      label: `${chart.ylabel}, over ${chart.xlabel}` });
    const lines = chart ? chart.lines.map(({ color, dash }) => draw("path", { fill: "none",
      stroke: color, "stroke-width": 2.2, "stroke-dasharray": dash || null })) : [];
    const legend = chart ? chart.lines.map(({ name, color, dash }) =>
      make("span", { class: "dl-note dl-line" }, key(color, dash), name)) : [];
    if (plot) plot.svg.append(...lines);
    const path = (ys) => ys.map((v, i) => {
      const inside = Math.max(chart.y[0], Math.min(chart.y[1], v));
      return `${i ? "L" : "M"}${plot.x(chart.at[i]).toFixed(1)} ${plot.y(inside).toFixed(1)}`;
    }).join("");

    const at = [...model.get("request").at];
    let number = model.get("request").number;
    const ask = () => {
      number += 1;
      model.set("request", { number, at: [...at] });
      model.save_changes();
    };
    const rows = controls.map(({ name, places, words }, i) => {
      const changed = (k) => { at[i] = k; ask(); };
      if (words) {
        const row = choice({ name, options: places, changed });
        row.querySelectorAll("input")[at[i]].checked = true;
        return row;
      }
      const level = slider({ name, min: 0, max: places.length - 1, value: at[i],
        say: (k) => places[k], changed: (k) => { level.tell(); changed(k); } });
      level.tell();
      return level.row;
    });
    const says = make("p", { role: "status" });
    function all() {
      const response = model.get("response"), frame = numbers(model, "frame");
      says.textContent = response.says;
      tiles.forEach(({ map, title, canvas }, i) => {
        map.unpack(frame, i);
        title.textContent = response.titles[i];
        title.hidden = !response.titles[i];
        canvas.setAttribute("aria-label", [labels[Math.floor(i / columns)],
          response.titles[i] || `picture ${i + 1}`].filter(Boolean).join(", "));
      });
      lines.forEach((line, i) => line.setAttribute("d", path(response.curves[i])));
    }
    const paint = painter(all);
    model.on("change:response", paint);
    el.append(...rows, make("div", { class: "dl-row" }, grid,
      ...(plot ? [make("div", { class: "dl-stack" }, plot.svg, ...legend)] : [])), says);
    all();
    return () => model.off("change:response", paint);
  },
};
