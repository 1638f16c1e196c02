// Between a figure and the worker that draws for it: what a notebook's kernel is to js/prompt.js.
// ``config`` as in live.PromptBox; ``heard`` is called with all that the worker says.
const TROUBLE = "The page cannot draw in this browser: ";

function createModel(parts, workerText, config, heard) {
  const address = URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
  const worker = new Worker(address); // classic: a page opened from a file has no other kind
  const bytes = (array) => new DataView(array.buffer, array.byteOffset, array.byteLength);
  const { count, steps, start } = config;
  const values = { config, request: { number: 0, count, steps, ...start }, response: {},
    frame: bytes(new Uint8Array()), film: bytes(new Uint8Array()) };
  const listeners = new Map();
  let broken = "";
  const respond = (response) => {
    values.response = response;
    listeners.get("change:response")?.();
  };
  const fail = () => respond({ number: values.request.number, error: broken });
  worker.onmessage = ({ data }) => {
    if (data.frame) values.frame = bytes(data.frame);
    if (data.response) respond(data.response);
    heard(data, worker);
  };
  worker.onerror = (event) => {
    broken = TROUBLE + (event.message || "its worker did not start.");
    fail();
  };
  worker.postMessage({ parts });
  return {
    get: (name) => values[name],
    set(name, value) { values[name] = value; },
    save_changes() {
      if (broken) fail();
      else worker.postMessage({ request: values.request });
    },
    on(name, listener) { listeners.set(name, listener); },
    off(name) { listeners.delete(name); },
  };
}

// Put a prompt box into ``root``, and draw its first wish. ``status`` hears of the self-check.
async function startBox(root, { parts, workerText, figureText, config }, status) {
  try {
    const { default: figure } = await import(
      "data:text/javascript," + encodeURIComponent(figureText));
    let checked = false;
    const model = createModel(parts, workerText, config, (data, worker) => {
      if (data.response?.done && !checked) {
        checked = true;
        worker.postMessage({ check: true });
      }
      if (data.checked === undefined) return;
      const worst = data.checked ?? Infinity;
      root.dataset.checked = worst;
      status.textContent = worst < 0.01
        ? "Self-check: this browser draws three known pictures as the course does."
        : "Self-check: this browser draws known pictures differently from the course. What you " +
          "see may be wrong: try another browser.";
    });
    figure.render({ model, el: root });
    model.save_changes();
  } catch (error) {
    status.textContent = TROUBLE + error.message;
  }
}
