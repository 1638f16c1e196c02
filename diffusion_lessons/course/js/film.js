// Film: the states of sampling, frame by frame; what is held (x_t) beside the guess (x̂₀).
import { button, choice, curves, key, make, painter, picture, sheet, slider } from "./common.js";

export default {
  async render({ model, el }) {
    const width = model.get("width"), height = model.get("height"), names = model.get("names");
    const steps = model.get("steps"), last = steps.length - 1, one = model.get("choose");
    const show = await sheet(model, width, height);
    const size = names.length === 1 || one ? 256 : 128;
    const films = names.map((name) => {
      const held = picture(width, height, size, `${name}: what is held`);
      const guess = picture(width, height, size, `${name}: the network's guess`);
      const with_note = (view, words) =>
        make("div", {}, view.box, make("p", { class: "dl-note" }, words));
      const box = make("div", {}, make("p", { class: "dl-title" }, name),
        make("div", { class: "dl-pair" }, with_note(held, "held, xₜ"), with_note(guess, "guess, x̂₀")));
      return { held, guess, box };
    });
    let chosen = 0;
    const pick = () => films.forEach((film, i) => { film.box.hidden = one && i !== chosen; });
    const which = choice({ name: model.get("what"), options: one ? names : names.slice(0, 1),
      changed: (i) => { chosen = i; pick(); paint(); } });

    const xticks = [0, 0.5, 1].map((share) => {
      const k = Math.round(share * last);
      return [k, `t = ${steps[k]}`];
    });
    const tracks = model.get("tracks").map(({ title, y, yticks, lines }) => {
      const chart = curves({ lines, width: 560, height: 180, x: [0, last], y, yticks,
        xticks, xlabel: "along the film: noise → picture", ylabel: title, label: `${title}, along the film` });
      const said = lines.map(() => make("span", { class: "dl-read" }));
      const legend = make("div", { class: "dl-row dl-note" }, ...lines.map((line, i) =>
        make("span", {}, key(line.color, line.dash), ` ${line.name} `, said[i])));
      legend.querySelectorAll("svg").forEach((s) => { s.style.display = "inline-block"; });
      const go = (k) => {
        chart.go(k);
        lines.forEach((line, i) => { said[i].textContent = Number(line.values[k].toPrecision(3)); });
      };
      return { box: make("div", { class: "dl-stack" }, chart.svg, legend), go };
    });

    const level = slider({ name: "frame", min: 0, max: last, value: model.get("start"),
      say: (k) => `${k} of ${last}: t = ${steps[k]}`, changed: () => { stop(); paint(); } });
    function all() {
      const k = level.value;
      films.forEach((film, i) => {
        if (film.box.hidden) return;
        show(film.held, k, 2 * i);
        show(film.guess, k, 2 * i + 1);
      });
      tracks.forEach((track) => track.go(k));
      level.tell();
    }
    const paint = painter(all);

    // Nothing moves by itself: a film plays when the button is pressed, calmly where that is asked.
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    let timer = 0;
    const play = button("Play", () => {
      if (timer) return stop();
      if (level.value >= last) level.value = 0;
      play.textContent = "Stop";
      timer = setInterval(() => {
        if (!el.isConnected || level.value >= last) return stop();
        level.value += 1;
        paint();
      }, calm.matches ? 700 : 140);
      paint();
    });
    function stop() {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
    }
    play.style.minWidth = "5.2em";

    pick();
    el.append(which, level.row, make("div", { class: "dl-line" }, play),
      make("div", { class: "dl-films dl-row" }, ...films.map((film) => film.box)),
      ...tracks.map((track) => track.box));
    all();
  },
};
