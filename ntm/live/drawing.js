// What all live figures share: colours, elements, pictures, and a Figure that keeps its values in
// native inputs and in the page's address. Every figure adds a function to NTM.figures, and
// NTM.start() fills the boxes that ntm.live left.
"use strict";
for (const name of ["figures", "weights", "loading"]) NTM[name] ??= {};
NTM.base = document.currentScript?.src.replace(/[^/]*$/, ""); // empty where scripts are inlined

// ---- colours: those of ntm.plots (tests/live holds them equal); maps as pixels lie in memory ----

NTM.colours = {
  read: "#2166ac", write: "#c2452d", grey: "#555555", paper: "#8c8c8c", pale: "#dddddd",
  feedforward: "#1b7837", lstm: "#762a83", now: "#e08214",
};
NTM.maps = {
  read: ["#ffffff", "#92c5de", "#2166ac", "#134b85"], bits: ["#ffffff", "#000000"],
  write: ["#ffffff", "#f4a582", "#c2452d", "#8f2417"],
  signed: ["#40004b", "#762a83", "#9970ab", "#c2a5cf", "#e7d4e8", "#f7f7f7", "#d9f0d3", "#a6dba0",
    "#5aae61", "#1b7837", "#00441b"],
};
for (const [name, stops] of Object.entries(NTM.maps)) {
  const rgb = stops.map((stop) => [1, 3, 5].map((i) => parseInt(stop.slice(i, i + 2), 16)));
  NTM.maps[name] = Uint32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (rgb.length - 1), low = Math.min(Math.floor(at), rgb.length - 2);
    const [r, g, b] = rgb[low].map((c, j) => Math.round(c + (at - low) * (rgb[low + 1][j] - c)));
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
}
NTM.between = (value, low, high) => Math.max(low, Math.min(high, value));
NTM.tone = (map, value, low = 0, high = 1) =>
  NTM.maps[map][NTM.between(Math.round((255 * (value - low)) / (high - low)), 0, 255)];

// ---- elements ----

NTM.el = (tag, attributes = {}, ...inside) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...inside);
  return node;
};
NTM.div = (kind, ...inside) => NTM.el("div", { class: `ntm-${kind}` }, ...inside);
NTM.row = (...inside) => NTM.div("buttons", ...inside);
NTM.grid = (least, ...inside) =>
  NTM.el("div", { class: "ntm-grid", style: `--least:${least}px` }, ...inside);
NTM.fields = (name, ...inside) => NTM.el("fieldset", {}, NTM.el("legend", {}, name), ...inside);
NTM.label = (...inside) => NTM.el("label", { class: "ntm-choice" }, ...inside);
NTM.button = (words, onclick, name = words) =>
  NTM.el("button", { type: "button", "aria-label": name, onclick }, words);
// The two buttons that go one step back and one on.
NTM.steps = (move) => [NTM.button("‹ step", () => move(-1), "one step back"),
  NTM.button("step ›", () => move(1), "one step on")];
// options: [value, words] of each; the words are the value where none are given.
NTM.pick = (name, options, changed = () => {}) => {
  const all = options.map(([value, words = value]) => NTM.el("option", { value }, words));
  const onchange = (e) => changed(e.target.value);
  return NTM.el("select", { "aria-label": name, onchange }, ...all);
};
NTM.slider = (name, attributes, changed) => {
  const oninput = (e) => changed(Number(e.target.value)), shown = NTM.el("output");
  const input = NTM.el("input", { type: "range", "aria-label": name, ...attributes, oninput });
  const row = NTM.el("label", { class: "ntm-slider" }, NTM.el("span", {}, name), input, shown);
  return Object.assign(row, { input, show(value, words) {
    input.value = value;
    input.style.setProperty("--share", value);
    input.setAttribute("aria-valuetext", (shown.textContent = words));
  } });
};
NTM.tell = (node, words) => { if (node.textContent !== words) node.textContent = words; };
NTM.number = (value, digits = 2) =>
  value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");
// With a comma before every three digits: the browser's own way takes 16 ms to begin.
NTM.whole = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

// ---- pictures ----

// A picture under its title. draw(pen, width, height) draws it; act(x, y, width, height, down) is
// called when the pointer, a finger included, goes down and while it is; words(x, y, width, height)
// say what stands under it.
NTM.panel = (title, height) => {
  const head = NTM.el("figcaption");
  const canvas = NTM.el("canvas", { role: "img", style: `height:${height}px` });
  const panel = NTM.el("figure", { class: "ntm-panel" }, head, canvas);
  panel.named = (text, words = text) => {
    NTM.tell(head, text);
    canvas.setAttribute("aria-label", words);
  };
  panel.named(title);
  panel.pen = (draw) => {
    const pen = canvas.getContext("2d"), scale = devicePixelRatio, width = canvas.clientWidth;
    const [w, h] = [width, height].map((size) => Math.round(size * scale));
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    Object.assign(pen, { font: "12px system-ui, sans-serif", textBaseline: "middle" });
    draw(pen, width, height);
  };
  const place = (e) => [e.offsetX, e.offsetY, canvas.clientWidth, height];
  panel.drag = (act, way = "sideways") => { // or "all": a finger on it does not scroll the page
    canvas.classList.add(`ntm-${way}`);
    canvas.addEventListener("pointerdown", (e) => {
      canvas.setPointerCapture(e.pointerId);
      act(...place(e), true);
      e.preventDefault();
    });
    panel.moved((e) => canvas.hasPointerCapture(e.pointerId) && act(...place(e), false));
  };
  panel.moved = (act) => canvas.addEventListener("pointermove", act);
  panel.hover = (words) => panel.moved((e) => (canvas.title = words(...place(e))));
  return panel;
};
NTM.text = (pen, words, x, y, textAlign = "center", fillStyle = NTM.colours.grey) => {
  Object.assign(pen, { textAlign, fillStyle });
  pen.fillText(words, x, y);
};
NTM.line = (pen, points, strokeStyle, lineWidth = 1, dashes = []) => {
  Object.assign(pen, { strokeStyle, lineWidth });
  pen.setLineDash(dashes);
  pen.stroke(new Path2D(`M${points.join("L")}`)); // as SVG says it: Mx,yLx,y ...
};
NTM.frame = (pen, x, y, width, height, strokeStyle = NTM.colours.paper, lineWidth = 1) => {
  Object.assign(pen, { strokeStyle, lineWidth });
  pen.strokeRect(x, y, width, height);
};

// A heat map, column after column, those that are given of `all`, right of x; with its numbers
// where a cell has the room.
NTM.heat = (pen, width, height, columns, look) => {
  const { x = 0, all = columns.length, map, low = 0, high = 1, numbers } = look;
  const rows = columns[0].length, w = (width - x) / all, h = height / rows;
  const image = new ImageData(all, rows), pixels = new Uint32Array(image.data.buffer);
  for (const [i, column] of columns.entries()) {
    for (let j = 0; j < rows; j++) pixels[j * all + i] = NTM.tone(map, column[j], low, high);
  }
  const small = (pen.canvas.small ??= NTM.el("canvas")); // a pixel a cell; it is kept
  Object.assign(small, { width: all, height: rows });
  small.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, x, 0, width - x, height);
  NTM.frame(pen, x + 0.5, 0.5, width - x - 1, height - 1);
  if (!numbers || w < 26) return;
  columns.forEach((column, i) => column.forEach((value, j) => {
    const ink = Math.abs(value) > 0.7 * high ? "white" : "black", digits = w < 34 ? 1 : 2;
    NTM.text(pen, NTM.number(value, digits), x + (i + 0.5) * w, (j + 0.5) * h, "center", ink);
  }));
};
NTM.turned = (rows) => Array.from(rows[0], (_, j) => rows.map((row) => row[j]));

// A heat map over time, with names of its rows at the left, or the numbers of the first and the
// last row; the step `now` is framed.
NTM.gutter = 28;
NTM.timeline = (panel, columns, { title, words, first = 0, names, now, ...look }) => {
  const { x = NTM.gutter, all = columns.length } = look, rows = columns[0].length;
  const number = (_, i) => (i % (rows - 1 || 1) ? "" : first + i);
  const told = names || Array.from({ length: rows }, number);
  if (title) panel.named(title, words);
  panel.pen((pen, width, height) => {
    const w = (width - x) / all;
    NTM.heat(pen, width, height, columns, { x, ...look });
    const at = (i) => NTM.between(((i + 0.5) * height) / told.length, 6, height - 6);
    told.forEach((words, i) => NTM.text(pen, words, x - 4, at(i), "right"));
    if (now >= 0) NTM.frame(pen, x + now * w, 1, Math.max(w, 2), height - 2, NTM.colours.now, 2);
  });
};

// The slots to show, from ... to: those that some of these weightings came to, at least ten.
NTM.reached = (weightings) => {
  const [w] = weightings, last = w.length - 1, here = (_, i) => weightings.some((v) => v[i] > 0.3);
  const from = w.findIndex(here), to = w.findLastIndex(here);
  return to < 0 ? [0, last] : [from, Math.min(last, Math.max(to, from + 9))];
};

// One weighting as a bar a slot, with its sum; or cosines, from −1 to 1.
NTM.bars = (pen, width, height, w, colour, cosines) => {
  const x = 24, h = height - 16, each = (width - x) / w.length;
  const zero = cosines ? h / 2 : h, unit = zero / (cosines ? 1 : 1.2);
  for (const tick of cosines ? [-1, 0, 1] : [0, 1]) {
    NTM.text(pen, NTM.number(tick, 0), x - 6, NTM.between(zero - tick * unit, 6, h - 5), "right");
  }
  NTM.frame(pen, x + 0.5, 0.5, width - x - 1, h - 1);
  if (!cosines) NTM.text(pen, `sum ${NTM.number(NTM.sum(w))}`, width - 5, 9, "right");
  w.forEach((value, i) => {
    if (each > 18 || i % 4 === 0) NTM.text(pen, i, x + (i + 0.5) * each, height - 7);
    pen.fillStyle = colour;
    pen.fillRect(x + (i + 0.1) * each, zero, each * 0.8, -value * unit);
  });
};

// ---- figures ----

NTM.Figure = class {
  constructor(box) {
    const [, linked, state] = decodeURIComponent(location.hash).match(/^#live:(\w+)=(.*)$/) || [];
    Object.assign(this, { box, name: box.dataset.live, values: {}, first: {}, shows: {} });
    this.settings = JSON.parse(box.dataset.settings);
    this.linked = linked === this.name ? JSON.parse(state) : {};
    [this.controls, this.pictures] = [NTM.div("controls"), NTM.div("pictures")];
    this.says = NTM.el("p", { class: "ntm-says", role: "status" });
  }
  // A value with its default; show(value) brings an input up to date.
  keep(key, value, show = () => {}) {
    this.first[key] = this.settings[key] ?? value;
    this.values[key] = this.linked[key] ?? this.first[key];
    this.shows[key] = show;
    show(this.values[key]);
  }
  slider(key, name, min, max, step, value, { words, ...more } = {}) {
    const told = words || ((v) => NTM.number(v, step < 0.1 ? 2 : step < 1 ? 1 : 0));
    const row = NTM.slider(name, { min, max, step, ...more }, (v) => this.set({ [key]: v }));
    this.keep(key, value, (v) => row.show(v, told(v)));
    return row;
  }
  choice(key, name, options, value = options[0][0]) {
    const input = NTM.pick(name, options, (v) => this.set({ [key]: v }));
    this.keep(key, value, (v) => (input.value = v));
    return NTM.label(name, input);
  }
  // A field for a text, of several rows where `look` says so; changed(text) when the reader types.
  text(key, name, value, look, changed = (v) => this.set({ [key]: v })) {
    const oninput = (e) => changed(e.target.value), tag = look.rows ? "textarea" : "input";
    const input = NTM.el(tag, { "aria-label": name, ...look, oninput });
    this.keep(key, value, (v) => (input.value = v));
    return input;
  }
  // Shares that sum to 1: a slider for each; moving one scales the others.
  shares(key, name, names, value, colour) {
    const look = { min: 0, max: 1, step: 0.01, class: "ntm-bar", style: `--ink:${colour}` };
    const rows = names.map((one, i) => NTM.slider(one, { ...look, "aria-label": `${name}, ${one}` },
      (v) => this.set({ [key]: NTM.share(this.values[key], i, v) })));
    this.keep(key, value, (w) => rows.forEach((row, i) => row.show(w[i], NTM.number(w[i]))));
    return NTM.fields(name, ...rows);
  }
  // Buttons that set values; "reset" is the last.
  presets(sets = {}) {
    return Object.entries({ ...sets, reset: {} }).map(([name, values]) =>
      NTM.button(name, () => this.set({ ...this.first, ...values })));
  }
  set(changes) {
    Object.assign(this.values, changes);
    for (const key of Object.keys(changes)) this.shows[key]?.(changes[key]);
    this.redraw();
    if (!this.box.closest(".bd-content")) return; // only the book's page has an address of its own
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      const other = ([key, v]) => JSON.stringify(v) !== JSON.stringify(this.first[key]);
      const state = JSON.stringify(Object.fromEntries(Object.entries(this.values).filter(other)));
      const linked = state === "{}" ? "" : `#live:${this.name}=${encodeURIComponent(state)}`;
      history.replaceState(null, "", location.href.split("#")[0] + linked);
    }, 300);
  }
  // Call make(values) before a drawing, the first, and when a value has changed, those of `but`
  // aside.
  before(but, make) {
    const { draw } = this, others = Object.fromEntries(but.map((name) => [name, undefined]));
    let made = "";
    this.draw = () => {
      const key = JSON.stringify({ ...this.values, ...others });
      if (key !== made) make(this.values);
      made = key;
      draw();
    };
  }
  redraw() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.draw());
  }
  say(words) { NTM.tell(this.says, words); }
};

// w with share i set to `value` and the others scaled, so that they still sum to 1.
NTM.share = (w, i, value) => {
  const rest = 1 - w[i], even = (1 - value) / (w.length - 1);
  return w.map((v, j) => (j === i ? value : rest > 1e-9 ? (v * (1 - value)) / rest : even));
};

// A machine that the package ships, by "task/model"; its weights are a script, fetched when wanted.
NTM.machine = (name) => (NTM.loading[name] ??= new Promise((done, failed) => {
  const src = `${NTM.base}weights/${name.replace("/", "-")}.js`;
  const onerror = () => failed(new Error(`${name} is not here, nor in ${src}`));
  if (NTM.weights[name]) done();
  else document.head.append(NTM.el("script", { src, onload: done, onerror }));
}).then(NTM.pause).then(() => NTM.load(NTM.weights[name])));

// What follows is a task of its own: between two the page answers, and draws.
NTM.pause = () => new Promise((done) => setTimeout(done));

// Fill a box; where that fails the still picture stays.
NTM.begin = async (box) => {
  if (box.classList.contains("ntm-on")) return;
  const fig = new NTM.Figure(box);
  box.classList.add("ntm-on");
  box.replaceChildren(fig.pictures, fig.controls, fig.says);
  try {
    NTM.figures[fig.name](fig);
    await NTM.pause();
    fig.draw();
  } catch (error) {
    document.documentElement.classList.remove("live");
    throw error;
  }
  new ResizeObserver(() => fig.redraw()).observe(fig.pictures);
  for (let node = box, up = 0; !NTM.base && node && up < 4; node = node.parentElement, up++) {
    const still = node.previousElementSibling?.querySelector("img"); // a notebook's
    if (still) still.style.display = "none";
  }
};

// Every box that waits is filled when the reader comes near it, each in a task of its own. Where
// the address names a figure, the reader is brought there.
NTM.near = new IntersectionObserver((boxes) => boxes.filter((box) => box.isIntersecting)
  .forEach(({ target }) => setTimeout(NTM.begin, 0, target)), { rootMargin: "50%" });
NTM.start = () => {
  for (const box of document.querySelectorAll(".ntm-live:not(.ntm-on)")) {
    if (NTM.figures[box.dataset.live]) NTM.near.observe(box);
    if (location.hash.startsWith(`#live:${box.dataset.live}=`)) box.scrollIntoView();
  }
};
// As soon as all scripts are there, whether they are waited for, inlined, or late.
for (const event of ["DOMContentLoaded", "load"]) addEventListener(event, NTM.start);
setTimeout(NTM.start);
