// Values or positions: on the left pixels change places, on the right their values get noise.
import { bitmap, gaussian, histogram, make, numbers, painter, picture, shuffled, slider } from "./common.js";

export default {
  render({ model, el }) {
    const width = model.get("width"), height = model.get("height"), n = width * height;
    const x0 = numbers(model, "x0"), seed = model.get("seed");
    const eps = gaussian(seed, new Int16Array(3 * n)), order = shuffled(seed, n);

    const half = (title, label, color) => {
      const view = picture(width, height, 300, label);
      const bars = histogram({ span: [-3.5, 3.5], top: model.get("tallest"), color,
        label: `Histogram of the ${label}, with that of the clear picture as an outline` });
      for (let i = 0; i < 3 * n; i += 1) bars.add(x0[i] / 127.5 - 1);
      bars.keep(3 * n);
      const column = make("div", { class: "dl-stack" }, make("p", { class: "dl-title" }, title),
        view.box, bars.svg);
      return { ...bitmap(view, width, height), bars, column };
    };
    const places = half("other places", "picture with pixels moved", SIGNAL);
    const values = half("other values", "picture with noise", NOISE);

    function move() {
      // The first pixels of a fixed order hand their places on, each to the next.
      const moved = Math.floor((share.value * n) / 100), pixels = places.pixels;
      for (let i = 0, k = 0; i < 3 * n; k += 1) {
        for (let c = 0; c < 3; c += 1, i += 1, k += 1) pixels[k] = x0[i];
      }
      places.bars.clear();
      for (let i = 0; i < moved; i += 1) {
        const to = order[i], from = order[i === 0 ? moved - 1 : i - 1];
        for (let c = 0; c < 3; c += 1) pixels[4 * to + c] = x0[3 * from + c];
      }
      // Counted again from what is shown: that nothing changes is the point.
      for (let k = 0; k < 4 * n; k += 4) {
        for (let c = 0; c < 3; c += 1) places.bars.add(pixels[k + c] / 127.5 - 1);
      }
      places.show();
      places.bars.show(3 * n);
      share.tell();
    }
    function add() {
      const scale = (127.5 * strength.value) / 6500, pixels = values.pixels;
      values.bars.clear();
      for (let i = 0, k = 0; i < 3 * n; k += 1) {
        for (let c = 0; c < 3; c += 1, i += 1, k += 1) {
          const v = x0[i] + scale * eps[i];
          pixels[k] = v;
          values.bars.add(v / 127.5 - 1);
        }
      }
      values.show();
      values.bars.show(3 * n);
      strength.tell();
    }
    const share = slider({ name: "pixels moved", min: 0, max: 100, value: 50,
      say: (v) => `${v} %`, changed: painter(move) });
    const strength = slider({ name: "strength of noise", min: 0, max: 3, step: 0.05, value: 0.5,
      say: (v) => v.toFixed(2), changed: painter(add) });
    el.append(share.row, strength.row,
      make("div", { class: "dl-row" }, places.column, values.column));
    move();
    add();
  },
};
