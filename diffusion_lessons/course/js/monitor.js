// Training monitor: the loss, the time left, and what the network draws by then.
import { axes, bitmap, draw, make, numbers, painter, picture } from "./common.js";

const LOSS = "currentColor";

export default {
  render({ model, el }) {
    el.classList.add("dl");
    const { total, titles, size } = model.get("config");
    const fill = make("div", { class: "dl-fill" });
    const bar = make("div", { class: "dl-bar", role: "progressbar", "aria-label": "training",
      "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
    const line = make("p", { class: "dl-read dl-note" });
    const news = make("p", { class: "dl-unseen", role: "status" });

    const write = (n) => n.toLocaleString("en");
    const chart = axes({ width: 560, height: 180, x: [0, total], y: [0, 1],
      xticks: [0, total / 2, total].map((v) => [v, write(Math.round(v))]),
      yticks: [[0, "0"], [0.5, "0.5"], [1, "1"]], xlabel: "pictures seen", ylabel: "loss",
      label: "The loss, along the training" });
    const loss = draw("path", { fill: "none", stroke: LOSS, "stroke-width": 2 });
    const marks = draw("path", { stroke: LOSS, opacity: 0.5, "stroke-dasharray": "2 3" });
    chart.svg.append(marks, loss);

    const grid = make("div", { class: "dl-previews", hidden: titles.length ? null : "",
      style: `grid-template-columns: 6.5em repeat(${titles.length}, minmax(0, 64px))` },
      make("span", {}), ...titles.map((title) => make("span", { class: "dl-note" }, title)));
    let shown = 0;

    function addRows() {
      const rows = model.get("rows"), sheet = numbers(model, "sheet");
      for (; shown < rows.length; shown += 1) {
        const i = shown;
        grid.append(make("span", { class: "dl-note" }, `after ${write(rows[i])}`));
        titles.forEach((title, k) => {
          const tile = picture(size, size, 64, `${title}, after ${write(rows[i])} pictures`);
          bitmap(tile, size, size).unpack(sheet, i * titles.length + k);
          grid.append(tile.box);
        });
        marks.setAttribute("d",
          `${marks.getAttribute("d") ?? ""}M${chart.x(rows[i])} ${chart.top}V${chart.bottom}`);
      }
    }
    function all() {
      const { pictures, state, loss: now, left } = model.get("response");
      const share = Math.floor((100 * pictures) / total);
      fill.style.width = `${share}%`;
      bar.setAttribute("aria-valuenow", share);
      const time = left >= 100 ? `${Math.round(left / 60)} min` : `${left} s`;
      const progress = `${write(pictures)} of ${write(total)} pictures, loss ${now}, ${time} left`;
      const words = {
        waiting: "not yet started",
        training: progress,
        slowed: `${progress}: slowed down, by other programs or by heat. ■ stops, what was learned stays`,
        finished: `finished: ${write(pictures)} pictures, loss ${now}`,
        stopped: `stopped after ${write(pictures)} of ${write(total)} pictures: what was learned stays`,
      }[state];
      line.textContent = words;
      bar.setAttribute("aria-valuetext", words);
      // Read out when something begins or ends, not four times a second.
      const spoken = state === "slowed" ? "slowed down" : words;
      if (state !== "training" && news.textContent !== spoken) news.textContent = spoken;
      const points = model.get("curve");
      loss.setAttribute("d", points.map(([seen, value], i) =>
        `${i ? "L" : "M"}${chart.x(seen).toFixed(1)} ${chart.y(Math.min(1, value)).toFixed(1)}`).join(""));
    }
    const paint = painter(all);
    model.on("change:response", paint);
    model.on("change:sheet", addRows);
    el.append(bar, line, news, chart.svg, grid);
    all();
    addRows();
    return () => {
      model.off("change:response", paint);
      model.off("change:sheet", addRows);
    };
  },
};
