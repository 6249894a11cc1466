// Reading and writing: a small memory beside the shares of one head, all dragged by hand. settings:
// M (rows of numbers), w, and for writing e and a; presets.
"use strict";

NTM.show_memory = (panel, M, words) => {
  const high = Math.max(1, ...M.flatMap((row) => [...row].map(Math.abs)));
  const look = { map: "signed", low: -high, high, numbers: true };
  panel.pen((...canvas) => NTM.heat(...canvas, NTM.turned(M), look));
  panel.named(panel.textContent, `${words}: ${M.map(NTM.listed).join("; ")}`);
};
NTM.listed = (row) => [...row].map((v) => NTM.number(v)).join(" ");

NTM.figures.reading = (fig) => {
  const { M, w, presets } = fig.settings, slots = M.map((_, i) => `slot ${i}`);
  const shares = fig.shares("w", "w, the read head's shares", slots, w, NTM.colours.read);
  const memory = NTM.panel("M, the memory", 30 * M.length);
  const result = NTM.panel("r = Σ w(i) M(i), what is read", 30);
  fig.pictures.append(NTM.div("beside", shares, NTM.el("div", {}, memory, result)));
  fig.controls.append(NTM.row(...fig.presets(presets)));
  fig.draw = () => {
    const r = NTM.read(M, fig.values.w), told = r.map((v) => NTM.number(v)).join(", ");
    NTM.show_memory(memory, M, "memory");
    NTM.show_memory(result, [r], "read");
    fig.say(`w sums to ${NTM.number(NTM.sum(fig.values.w))}; read: ${told}`);
  };
};

NTM.figures.writing = (fig) => {
  const { M, w, e, a, presets } = fig.settings, slots = M.map((_, i) => `slot ${i}`);
  const shares = fig.shares("w", "w, the write head's shares", slots, w, NTM.colours.write);
  const titles = ["M, before", "M̃, erased (3)", "M, added (4)"];
  const panels = titles.map((title) => NTM.panel(title, 30 * M.length));
  fig.pictures.append(NTM.div("beside", shares, NTM.grid(125, ...panels)));
  // one slider for every column
  const vector = (key, name, values, min) => NTM.fields(name, ...values.map((v, j) =>
    fig.slider(`${key}${j}`, `${j}`, min, 1, 0.05, v, { "aria-label": `${name}, column ${j}` })));
  fig.controls.append(NTM.div("beside", vector("e", "e, what to erase of each column", e, 0),
    vector("a", "a, what to add to each column", a, -1)), NTM.row(...fig.presets(presets)));
  fig.draw = () => {
    const now = fig.values, row = (key) => e.map((_, j) => now[`${key}${j}`]);
    const erased = NTM.erase(M, now.w, row("e")), added = NTM.add(erased, now.w, row("a"));
    const most = NTM.most(now.w), sum = NTM.number(NTM.sum(now.w));
    const words = ["before", "after erasing", "after adding"];
    [M, erased, added].forEach((rows, i) => NTM.show_memory(panels[i], rows, words[i]));
    fig.say(`w sums to ${sum}; slot ${most} holds now: ${NTM.listed(added[most])}`);
  };
};
