// What all live figures share: the book's colours, elements, heat maps, and a Figure that keeps its values in native inputs and in the
// page's address. Plain script; every figure adds a function to NTM.figures, and NTM.start() fills the boxes that ntm.live left.
"use strict";
globalThis.NTM = globalThis.NTM || {};
NTM.figures = NTM.figures || {};
NTM.weights = NTM.weights || {};
NTM.base = document.currentScript?.src ? new URL(".", document.currentScript.src).href : ""; // empty where scripts are inlined

// ---- colours: those of ntm.plots (tests/live holds them equal) ----

NTM.colours = { read: "#2166ac", write: "#c2452d", grey: "#555555", paper: "#8c8c8c", feedforward: "#1b7837", lstm: "#762a83" };
NTM.maps = {
  read: ["#ffffff", "#92c5de", "#2166ac", "#134b85"], write: ["#ffffff", "#f4a582", "#c2452d", "#8f2417"], bits: ["#ffffff", "#000000"],
  signed: ["#40004b", "#762a83", "#9970ab", "#c2a5cf", "#e7d4e8", "#f7f7f7", "#d9f0d3", "#a6dba0", "#5aae61", "#1b7837", "#00441b"],
};
for (const [name, stops] of Object.entries(NTM.maps)) {
  const rgb = stops.map((stop) => [1, 3, 5].map((i) => parseInt(stop.slice(i, i + 2), 16)));
  NTM.maps[name] = Uint32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (rgb.length - 1), low = Math.min(Math.floor(at), rgb.length - 2);
    const [r, g, b] = rgb[low].map((c, j) => Math.round(c + (at - low) * (rgb[low + 1][j] - c)));
    return (255 << 24) | (b << 16) | (g << 8) | r; // as a pixel lies in memory
  });
}
// value between low and high as a pixel
NTM.tone = (map, value, low = 0, high = 1) => NTM.maps[map][Math.max(0, Math.min(255, Math.round((255 * (value - low)) / (high - low))))];

// ---- elements ----

NTM.el = (tag, attributes = {}, ...inside) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...inside);
  return node;
};
NTM.number = (value, digits = 2) => value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");

// A picture with its title above: { node, pen(draw), hover(words), title(text) }. pen gives draw a context, the width and the height.
NTM.panel = (title, height) => {
  const head = NTM.el("figcaption"), canvas = NTM.el("canvas", { role: "img", style: `height:${height}px` });
  const node = NTM.el("figure", { class: "ntm-panel" }, head, canvas);
  const panel = { node, canvas };
  panel.title = (text, words = text) => {
    if (head.textContent !== text) head.textContent = text;
    if (canvas.getAttribute("aria-label") !== words) canvas.setAttribute("aria-label", words);
  };
  panel.title(title);
  panel.pen = (draw) => {
    const scale = devicePixelRatio || 1, width = canvas.clientWidth || 300;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    draw(pen, width, height);
  };
  // words(x, y): what stands under the pointer, or nothing
  panel.hover = (words) => {
    canvas.addEventListener("pointermove", (e) => (canvas.title = words(e.offsetX, e.offsetY) || ""));
    return panel;
  };
  // drag(x, y) while the pointer, a finger included, is down
  panel.drag = (drag) => {
    canvas.classList.add("ntm-drag");
    canvas.addEventListener("pointerdown", (e) => {
      canvas.setPointerCapture(e.pointerId);
      drag(e.offsetX, e.offsetY, true);
      e.preventDefault();
    });
    canvas.addEventListener("pointermove", (e) => e.buttons && canvas.hasPointerCapture(e.pointerId) && drag(e.offsetX, e.offsetY, false));
    return panel;
  };
  return panel;
};

// A heat map in a box: cells[row][column]; beyond `until` columns it is empty. Numbers are written where a cell has the room.
NTM.heat = (pen, cells, { x = 0, y = 0, width, height, columns, map, low = 0, high = 1, numbers, until = columns }) => {
  const w = width / columns, h = height / cells.length;
  const image = new ImageData(columns, cells.length), pixels = new Uint32Array(image.data.buffer);
  const small = (pen.canvas.small ??= NTM.el("canvas").getContext("2d", { willReadFrequently: true })); // a pixel a cell, kept
  if (small.canvas.width !== columns || small.canvas.height !== cells.length) Object.assign(small.canvas, { width: columns, height: cells.length });
  for (const [i, row] of cells.entries()) {
    for (let j = 0; j < until; j++) pixels[i * columns + j] = NTM.tone(map, row[j], low, high);
  }
  small.putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small.canvas, x, y, width, height);
  pen.strokeStyle = NTM.colours.paper;
  pen.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  if (!numbers || w < 26) return;
  pen.textAlign = "center";
  for (const [i, row] of cells.entries()) {
    for (const [j, value] of row.entries()) {
      pen.fillStyle = map === "signed" && Math.abs(value) > 0.7 * high ? "white" : "black";
      pen.fillText(NTM.number(value, w < 34 ? 1 : 2), x + (j + 0.5) * w, y + (i + 0.5) * h);
    }
  }
};

// One weighting as a bar a slot, with its sum; or cosines, from −1 to 1.
NTM.bars = (pen, width, height, w, colour, cosines = false) => {
  const x = 24, h = height - 16, each = (width - x) / w.length, most = cosines ? 1 : 1.2, zero = cosines ? h / 2 : h, unit = zero / most;
  pen.fillStyle = pen.strokeStyle = NTM.colours.grey;
  pen.textAlign = "right";
  for (const tick of cosines ? [-1, 0, 1] : [0, 1]) pen.fillText(NTM.number(tick, 0), x - 6, Math.min(h - 5, Math.max(6, zero - tick * unit)));
  pen.strokeRect(x + 0.5, 0.5, width - x - 1, h - 1);
  if (!cosines) pen.fillText(`sum ${NTM.number(NTM.sum(w))}`, width - 5, 9);
  pen.textAlign = "center";
  for (const [i, value] of w.entries()) {
    pen.fillStyle = colour;
    pen.fillRect(x + (i + 0.1) * each, zero - Math.max(value, 0) * unit, each * 0.8, Math.abs(value) * unit);
    pen.fillStyle = NTM.colours.grey;
    if (each > 18 || i % 4 === 0) pen.fillText(i, x + (i + 0.5) * each, height - 7);
  }
};

// ---- figures ----

NTM.Figure = class {
  constructor(box) {
    Object.assign(this, { box, name: box.dataset.live, settings: JSON.parse(box.dataset.settings), values: {}, first: {}, shows: {} });
    this.controls = NTM.el("div", { class: "ntm-controls" });
    this.pictures = NTM.el("div", { class: "ntm-pictures" });
    this.says = NTM.el("p", { class: "ntm-says", role: "status" });
    const found = decodeURIComponent(location.hash).match(/^#live:(\w+)=(.*)$/);
    this.linked = found && found[1] === this.name ? JSON.parse(found[2]) : {};
  }

  // A value with its default; show(value) brings an input up to date.
  keep(key, value, show = () => {}) {
    this.first[key] = value;
    this.shows[key] = show;
    this.values[key] = key in this.linked ? this.linked[key] : key in this.settings ? this.settings[key] : value;
    if (key in this.settings) this.first[key] = this.settings[key];
    show(this.values[key]);
  }

  slider(key, label, min, max, step, value, words = (v) => NTM.number(v, step < 0.1 ? 2 : step < 1 ? 1 : 0)) {
    const shown = NTM.el("output");
    const input = NTM.el("input", { type: "range", min, max, step, "aria-label": label, oninput: () => this.set({ [key]: Number(input.value) }) });
    this.keep(key, value, (v) => {
      input.value = v;
      shown.textContent = words(v);
      input.setAttribute("aria-valuetext", words(v));
    });
    const row = NTM.el("label", { class: "ntm-slider" }, NTM.el("span", {}, label), input, shown);
    row.input = input;
    return row;
  }

  choice(key, label, options, value) {
    const input = NTM.el("select", { "aria-label": label, onchange: () => this.set({ [key]: input.value }) },
      ...Object.entries(options).map(([name, words]) => NTM.el("option", { value: name }, words)));
    this.keep(key, value, (v) => (input.value = v));
    return NTM.el("label", { class: "ntm-choice" }, NTM.el("span", {}, label), input);
  }

  // Shares that sum to 1: a slider for each; moving one scales the others.
  shares(key, label, names, value, colour) {
    const rows = names.map((name, i) => this.share(key, label, name, i, colour));
    this.keep(key, value, (w) => rows.forEach((row, i) => row.show(w[i])));
    return NTM.el("fieldset", { class: "ntm-shares" }, NTM.el("legend", {}, label), ...rows);
  }

  share(key, label, name, i, colour) {
    const shown = NTM.el("output");
    const input = NTM.el("input", {
      type: "range", min: 0, max: 1, step: 0.01, class: "ntm-bar", style: `--ink:${colour}`, "aria-label": `${label}, ${name}`,
      oninput: () => this.set({ [key]: NTM.share(this.values[key], i, Number(input.value)) }),
    });
    const row = NTM.el("label", { class: "ntm-slider" }, NTM.el("span", {}, name), input, shown);
    row.show = (v) => {
      input.value = v;
      input.style.setProperty("--share", v);
      shown.textContent = NTM.number(v);
    };
    return row;
  }

  button(label, action, more = {}) {
    return NTM.el("button", { type: "button", ...more, onclick: action }, label);
  }

  // Buttons that set values; "reset" is the last.
  presets(sets = {}) {
    const buttons = Object.entries(sets).map(([label, values]) => this.button(label, () => this.set({ ...this.first, ...values })));
    return NTM.el("div", { class: "ntm-buttons" }, ...buttons, this.button("reset", () => this.set(this.first)));
  }

  set(changes) {
    Object.assign(this.values, changes);
    for (const key of Object.keys(changes)) this.shows[key]?.(changes[key]);
    this.redraw();
    if (!this.box.closest(".bd-content")) return; // only the book's page has an address of its own
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      const changed = Object.entries(this.values).filter(([key, v]) => JSON.stringify(v) !== JSON.stringify(this.first[key]));
      const state = changed.length ? `#live:${this.name}=${encodeURIComponent(JSON.stringify(Object.fromEntries(changed)))}` : "";
      history.replaceState(null, "", state || location.href.split("#")[0]);
    }, 300);
  }

  // Call `make` before every drawing, and now: it sees by itself whether what it makes has to be made anew.
  before(make) {
    const { draw } = this;
    this.draw = () => {
      make();
      draw();
    };
    make();
  }

  redraw() {
    this.waiting = this.waiting || requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
    });
  }

  say(words) {
    if (this.says.textContent !== words) this.says.textContent = words;
  }
};

// w with share i set to `value` and the others scaled, so that they still sum to 1.
NTM.share = (w, i, value) => {
  const rest = 1 - w[i];
  return w.map((v, j) => (j === i ? value : rest > 1e-9 ? (v * (1 - value)) / rest : (1 - value) / (w.length - 1)));
};

// A machine that the package ships, by "task/model"; its weights are a script of their own, fetched when wanted.
NTM.machine = (name) => {
  NTM.loading = NTM.loading || {};
  NTM.loading[name] = NTM.loading[name] || new Promise((done, failed) => {
    if (NTM.weights[name]) return done();
    if (!NTM.base) return failed(new Error(`${name} is not in this notebook: name it in the call that makes the figure`));
    const src = `${NTM.base}weights/${name.replace("/", "-")}.js`;
    document.head.append(NTM.el("script", { src, onload: done, onerror: () => failed(new Error(`${src} is missing`)) }));
  }).then(() => NTM.load(NTM.weights[name]));
  return NTM.loading[name];
};

// Fill every box that waits; where that fails the still picture stays.
NTM.start = () => {
  for (const box of document.querySelectorAll(".ntm-live:not(.ntm-on)")) {
    const make = NTM.figures[box.dataset.live];
    if (!make) continue;
    const fig = new NTM.Figure(box);
    box.classList.add("ntm-on");
    box.replaceChildren(fig.pictures, fig.controls, fig.says);
    try {
      make(fig);
    } catch (error) {
      document.documentElement.classList.remove("live");
      throw error;
    }
    new ResizeObserver(() => fig.redraw()).observe(fig.pictures);
    if (Object.keys(fig.linked).length) box.scrollIntoView();
    for (let node = box, up = 0; !NTM.base && node && up < 4; node = node.parentElement, up++) {
      const still = node.previousElementSibling?.querySelector("img"); // in a notebook: the picture that this figure replaces
      if (still) still.style.display = "none";
    }
  }
};
if (document.readyState === "loading") addEventListener("DOMContentLoaded", NTM.start);
else setTimeout(NTM.start); // inlined, or late: when all scripts are there
