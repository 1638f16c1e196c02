// Between a figure and the worker that draws for it: what a notebook's kernel is to js/prompt.js.
// ``about`` as in live.PromptBox; ``heard`` is called with all that the worker says.
function createModel(parts, workerText, about, heard) {
  const address = URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
  const worker = new Worker(address); // classic: a page opened from a file has no other kind
  const bytes = (array) => new DataView(array.buffer, array.byteOffset, array.byteLength);
  const values = { about, asked: { number: 0, ...about.start }, told: {},
    frame: bytes(new Uint8Array()), film: bytes(new Uint8Array()) };
  const listeners = new Map();
  const tell = (told) => {
    values.told = told;
    listeners.get("change:told")?.();
  };
  const usual = { count: about.count, steps: about.steps };
  const model = {
    get: (name) => values[name],
    set(name, value) { values[name] = value; },
    save_changes() { worker.postMessage({ asked: { ...usual, ...values.asked } }); },
    on(name, listener) { listeners.set(name, listener); },
    off(name) { listeners.delete(name); },
  };
  worker.onmessage = ({ data }) => {
    if (data.frame) values.frame = bytes(data.frame);
    if (data.told) tell(data.told);
    if (data.trouble) tell({ number: values.asked.number, trouble: data.trouble });
    heard(data, worker);
  };
  worker.onerror = (event) => tell({ number: values.asked.number,
    trouble: `The page cannot draw in this browser: ${event.message}` });
  worker.postMessage({ parts });
  return model;
}

// Put a prompt box into ``root``, and draw its first wish. ``status`` hears of the self-check.
async function startBox(root, { parts, workerText, figureText, about }, status) {
  const { default: figure } = await import(
    "data:text/javascript," + encodeURIComponent(figureText));
  let checked = false;
  const model = createModel(parts, workerText, about, (data, worker) => {
    if (data.ready) model.save_changes();
    if (data.told?.done && !checked) {
      checked = true;
      worker.postMessage({ check: true });
    }
    if (data.checked !== undefined) {
      root.dataset.checked = data.checked;
      const same = data.checked < 0.01;
      status.textContent = same
        ? "Self-check: this browser draws three known pictures as the course does."
        : "Self-check: this browser draws known pictures differently from the course " +
          `(by up to ${data.checked.toFixed(2)} of 2). What you see may be wrong: try another browser.`;
    }
  });
  figure.render({ model, el: root });
}
