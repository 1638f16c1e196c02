// Prompt box: type a wish, and watch its pictures develop while Python draws them.
import { button, fresh, make, numbers, painter, bitmap, picture, slider } from "./common.js";

const STEP_MS = 45; // a film of 25 frames in a good second, however fast they were drawn

export default {
  render({ model, el }) {
    el.classList.add("dl");
    const { count, size, steps, start, t } = model.get("about");
    const values = size * size * 3;
    const ids = { text: fresh("text"), seed: fresh("seed") };
    // Notebooks keep a form from hearing the Enter key in its fields.
    const enter = (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      ask();
    };
    const keys = { "data-lm-suppress-shortcuts": "true", onkeydown: enter };
    const text = make("input", { id: ids.text, type: "text", class: "dl-text", value: start.text,
      autocomplete: "off", spellcheck: "false", ...keys });
    const seed = make("input", { id: ids.seed, type: "number", min: 0, max: 9999, step: 1,
      value: start.seed, class: "dl-number", ...keys });
    const guidance = slider({ name: "guidance", min: 0, max: 8, step: 0.5, value: start.guidance,
      say: (w) => `${w}`, changed: () => guidance.tell() });
    const go = make("button", { type: "submit" }, "Draw");
    const again = button("other static", () => {
      seed.value = (wholeSeed() + 1) % 10000;
      ask();
    });
    const stop = button("Stop", () => {
      wanted += 1;
      queue.length = 0;
      busy(false);
      model.set("asked", { number: wanted, text: null });
      model.save_changes();
      say("Stopped.");
    });
    const form = make("form", { onsubmit: (event) => { event.preventDefault(); ask(); } },
      make("div", { class: "dl-control dl-wish" }, make("label", { for: ids.text }, "draw"), text),
      make("div", { class: "dl-control dl-wish" },
        make("label", { for: ids.seed }, "static number"),
        make("div", { class: "dl-line" }, seed, again)),
      guidance.row,
      make("div", { class: "dl-line" }, go, stop));

    const tiles = Array.from({ length: count }, (_, i) => {
      const held = picture(size, size, 160, `picture ${i + 1}: what is held`);
      const guess = picture(size, size, 64, `picture ${i + 1}: the network's guess`);
      const words = make("p", { class: "dl-note dl-told" });
      const box = make("figure", { class: "dl-tile" }, held.box,
        make("div", { class: "dl-line" }, guess.box, make("span", { class: "dl-note" }, "guess")),
        words);
      return { held, guess, words, box, maps: [bitmap(held, size, size), bitmap(guess, size, size)] };
    });
    const status = make("p", { class: "dl-note", role: "status" });
    const notes = make("ul", { class: "dl-note", role: "status" });
    const place = slider({ name: "step", min: 0, max: steps, value: steps,
      say: (k) => `${k} of ${steps}: t = ${t[k]}`,
      changed: () => { queue.length = 0; paint(); } });
    place.row.classList.add("dl-film");

    // What is drawn: the frames of the newest wish; and those that wait to be shown.
    let frames = [], queue = [], wanted = model.get("asked").number ?? 0, timer = 0, waiting = 0;
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const wholeSeed = () => Math.min(9999, Math.max(0, Math.trunc(Number(seed.value)) || 0));
    const say = (words) => { if (status.textContent !== words) status.textContent = words; };

    function all() {
      const frame = frames[place.value];
      place.tell();
      if (!frame) return;
      tiles.forEach(({ maps }, i) =>
        maps.forEach((map, view) => map.unpack(frame, view * count + i)));
    }
    const paint = painter(all);

    function busy(is) {
      stop.disabled = !is;
      clearTimeout(waiting);
    }
    function ask() {
      seed.value = wholeSeed();
      wanted += 1;
      queue.length = 0;
      busy(true);
      say("Asked …");
      waiting = setTimeout(() => say("The notebook is busy: drawing begins when it is free."), 1500);
      model.set("asked", { number: wanted, text: text.value, seed: wholeSeed(),
        guidance: guidance.value });
      model.save_changes();
    }

    // Frames may come faster than anybody can see; each is shown for a moment, in order.
    function play() {
      if (timer || !queue.length) return;
      place.value = queue.shift();
      paint();
      timer = setTimeout(() => { timer = 0; play(); }, STEP_MS);
    }
    function describe(told) {
      tiles.forEach(({ words, held }, i) => {
        words.textContent = told.words[i];
        held.canvas.setAttribute("aria-label", `picture ${i + 1}: ${told.words[i]}`);
      });
      notes.replaceChildren(...told.notes.map((note) => make("li", {}, note)));
    }
    function hear() {
      const told = model.get("told");
      if ((told.number ?? 0) < wanted) return; // of a wish that was given up
      wanted = told.number;
      if (told.trouble) {
        busy(false);
        notes.replaceChildren();
        return say(told.trouble);
      }
      if (told.stopped) return busy(false);
      if (told.step === 0) {
        frames = [];
        describe(told);
        busy(true);
        say(`Drawing “${told.text || "anything"}” …`);
      }
      frames[told.step] = numbers(model, "frame");
      if (!calm.matches || told.done) queue.push(told.step);
      if (told.done) {
        busy(false);
        say(`“${told.text || "anything"}” out of static number ${told.seed}, ${steps} steps in ` +
          `${told.seconds} s.`);
      }
      play();
    }
    model.on("change:told", hear);

    el.append(form, status, notes,
      make("div", { class: "dl-row" }, ...tiles.map(({ box }) => box)), place.row);
    busy(false);
    guidance.tell();
    const told = model.get("told"), film = numbers(model, "film");
    if (film.length) {
      frames = Array.from({ length: steps + 1 }, (_, k) =>
        film.subarray(k * 2 * count * values, (k + 1) * 2 * count * values));
      if (told.words) describe(told);
    }
    all();
    return () => {
      model.off("change:told", hear);
      clearTimeout(timer);
      clearTimeout(waiting);
    };
  },
};
