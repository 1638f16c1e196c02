// Prompt box: type a wish, and watch its pictures develop while they are drawn: by Python, or by a
// worker of the page, which may also offer other numbers of steps and of pictures.
import { bitmap, button, choice, fresh, make, numbers, painter, picture, slider } from "./common.js";

const STEP_MS = 45; // a film of 25 frames in a good second, however fast they were drawn
const SAVED = 320; // pixels of a saved picture

export default {
  render({ model, el }) {
    el.classList.add("dl");
    const { size, start, counts, most_steps: most, ...config } = model.get("config");
    const values = size * size * 3;
    let { count, steps, t } = config, wished = { count, steps }, shown = start;
    const ids = { text: fresh("text"), seed: fresh("seed") };
    // Notebooks keep a form from hearing the Enter key in its fields.
    const enter = (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
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
    const more = [];
    if (most) {
      const walk = slider({ name: "steps", min: 1, max: most, value: steps, say: (n) => `${n}`,
        changed: (n) => { wished.steps = n; walk.tell(); } });
      walk.tell();
      more.push(walk.row);
    }
    if (counts) {
      more.push(choice({ name: "pictures", options: counts.map(String),
        changed: (i) => { wished.count = counts[i]; } }));
    }
    const go = make("button", { type: "submit" }, "Draw");
    const again = button("other static", () => {
      seed.value = (wholeSeed() + 1) % 10000;
      ask();
    });
    const stop = button("Stop", () => {
      wanted += 1;
      queue.length = 0;
      busy(false);
      model.set("request", { number: wanted, text: null });
      model.save_changes();
      say("Stopped.");
    });
    const save = button("Save", () => {
      // What is shown now, enlarged without blurring, four in a row.
      const across = Math.min(4, count), canvas = make("canvas", { width: across * SAVED,
        height: Math.ceil(count / across) * SAVED });
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      tiles.forEach(({ held }, i) => context.drawImage(held.canvas, (i % across) * SAVED,
        Math.floor(i / across) * SAVED, SAVED, SAVED));
      const name = shown.text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
      canvas.toBlob((blob) => {
        const href = URL.createObjectURL(blob);
        make("a", { href, download: `${name || "anything"}-${shown.seed}.png` }).click();
        setTimeout(() => URL.revokeObjectURL(href), 60_000); // some browsers fetch it later
      });
    });
    const form = make("form", { novalidate: "", onsubmit: (event) => { event.preventDefault(); ask(); } },
      make("div", { class: "dl-control dl-wish" }, make("label", { for: ids.text }, "draw"), text),
      make("div", { class: "dl-control dl-wish" },
        make("label", { for: ids.seed }, "static number"),
        make("div", { class: "dl-line" }, seed, again)),
      guidance.row, ...more,
      make("div", { class: "dl-line" }, go, stop, save));

    const row = make("div", { class: "dl-row" });
    let tiles = [];
    function lay() {
      const alone = count === 1;
      tiles = Array.from({ length: count }, (_, i) => {
        const held = picture(size, size, alone ? 320 : 160, `picture ${i + 1}: what is held`);
        const guess = picture(size, size, alone ? 160 : 64,
          `picture ${i + 1}: the network's guess`);
        const words = make("p", { class: "dl-note" });
        const box = make("figure", { class: alone ? "dl-tile dl-alone" : "dl-tile" }, held.box,
          make("div", { class: "dl-line" }, guess.box, make("span", { class: "dl-note" }, "guess")),
          words);
        const maps = [bitmap(held, size, size), bitmap(guess, size, size)];
        return { held, guess, words, box, maps };
      });
      row.replaceChildren(...tiles.map(({ box }) => box));
    }
    lay();
    const status = make("p", { class: "dl-note", role: "status" });
    const notes = make("ul", { class: "dl-note" });
    const place = slider({ name: "step", min: 0, max: steps, value: steps,
      say: (k) => `${k} of ${steps}: t = ${t[k]}`,
      changed: () => { queue.length = 0; paint(); } });
    place.row.classList.add("dl-film");

    // What is drawn: the frames of the newest wish; and those that wait to be shown.
    let frames = [], queue = [], wanted = model.get("request").number ?? 0, timer = 0, waiting = 0;
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const wholeSeed = () => Math.min(9999, Math.max(0, Math.trunc(Number(seed.value)) || 0));
    const say = (words) => { if (status.textContent !== words) status.textContent = words; };

    function all() {
      // Stopped half-way, or still under way: there is no later picture yet.
      if (frames.length && place.value >= frames.length) place.value = frames.length - 1;
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
      waiting = setTimeout(() => say(config.busy ?? "The notebook is busy: drawing begins when it is free."), 1500);
      model.set("request", { number: wanted, text: text.value, seed: wholeSeed(),
        guidance: guidance.value, ...wished });
      model.save_changes();
    }

    // Frames may come faster than anybody can see; each is shown for a moment, in order.
    function play() {
      if (timer || !queue.length) return;
      place.value = queue.shift();
      paint();
      timer = setTimeout(() => { timer = 0; play(); }, STEP_MS);
    }
    function describe(response) {
      tiles.forEach(({ words, held }, i) => {
        words.textContent = response.words[i];
        held.canvas.setAttribute("aria-label",
          `picture ${i + 1} of “${response.text || "anything"}”: ${response.words[i]}`);
      });
      notes.replaceChildren(...response.notes.map((note) => make("li", {}, note)));
    }
    function receive() {
      const response = model.get("response");
      if ((response.number ?? 0) < wanted) return; // of a wish that was given up
      wanted = response.number ?? 0;
      if (response.error) {
        busy(false);
        notes.replaceChildren();
        return say(response.error);
      }
      if (response.stopped) return busy(false);
      if (response.step === 0) {
        frames = [];
        shown = { text: response.text, seed: response.seed };
        ({ steps, t } = { steps, t, ...response });
        place.input.max = steps;
        if (response.words.length !== count) {
          count = response.words.length;
          lay();
        }
        describe(response);
        busy(true);
        say(`Drawing “${response.text || "anything"}” …`);
      }
      frames[response.step] = numbers(model, "frame");
      // With less motion: the static, so that the new words don't stand under old pictures; the end.
      if (!calm.matches || response.done || response.step === 0) queue.push(response.step);
      if (response.done) {
        busy(false);
        say(`“${response.text || "anything"}” out of static number ${response.seed}, ${steps} steps in ` +
          `${response.seconds} s.`);
      }
      play();
    }
    model.on("change:response", receive);

    el.append(form, status, make("div", { role: "status" }, notes), row, place.row);
    busy(false);
    guidance.tell();
    const response = model.get("response"), film = numbers(model, "film");
    if (film.length) {
      frames = Array.from({ length: steps + 1 }, (_, k) =>
        film.subarray(k * 2 * count * values, (k + 1) * 2 * count * values));
      if (response.words) {
        shown = response;
        describe(response);
      }
    }
    all();
    return () => {
      model.off("change:response", receive);
      clearTimeout(timer);
      clearTimeout(waiting);
    };
  },
};
