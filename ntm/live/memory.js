// Reading and writing: a small memory beside the shares of one head, all dragged by hand.
// settings: M (rows of numbers), w, and for writing e and a.
"use strict";

NTM.show_memory = (panel, M, words) => {
  const high = Math.max(1, ...M.flatMap((row) => [...row].map(Math.abs)));
  panel.pen((pen, width, height) => {
    NTM.heat(pen, M, { x: 0, y: 0, width, height, columns: M[0].length, map: "signed", low: -high, high, numbers: true });
  });
  panel.canvas.setAttribute("aria-label", `${words}: ${M.map((row) => [...row].map((v) => NTM.number(v)).join(" ")).join("; ")}`);
};

// One slider for every column: a vector.
NTM.vector = (fig, key, label, value, min) => {
  const rows = value.map((_, j) => {
    const row = fig.slider(`${key}${j}`, `${j}`, min, 1, 0.05, value[j]);
    row.input.setAttribute("aria-label", `${label}, column ${j}`);
    return row;
  });
  return NTM.el("fieldset", {}, NTM.el("legend", {}, label), ...rows);
};

NTM.figures.reading = (fig) => {
  const { M, w, presets } = fig.settings, rows = M.map((row) => Float64Array.from(row)), tall = 30 * M.length;
  const shares = fig.shares("w", "w, the read head's shares", M.map((_, i) => `slot ${i}`), w, NTM.colours.read);
  const memory = NTM.panel("M, the memory", tall), result = NTM.panel("r = Σ w(i) M(i), what is read", 30);
  fig.pictures.append(NTM.el("div", { class: "ntm-beside" }, shares, NTM.el("div", {}, memory.node, result.node)));
  fig.controls.append(fig.presets(presets));
  fig.draw = () => {
    const r = NTM.read(rows, fig.values.w);
    NTM.show_memory(memory, rows, "memory");
    NTM.show_memory(result, [r], "read");
    fig.say(`w sums to ${NTM.number(NTM.sum(fig.values.w))}; read: ${[...r].map((v) => NTM.number(v)).join(", ")}`);
  };
  fig.draw();
};

NTM.figures.writing = (fig) => {
  const { M, w, e, a, presets } = fig.settings, rows = M.map((row) => Float64Array.from(row)), tall = 30 * M.length;
  const shares = fig.shares("w", "w, the write head's shares", M.map((_, i) => `slot ${i}`), w, NTM.colours.write);
  const panels = ["M, before", "M̃, after erasing (3)", "M, after adding (4)"].map((title) => NTM.panel(title, tall));
  fig.pictures.append(NTM.el("div", { class: "ntm-beside" }, shares, NTM.el("div", { class: "ntm-grid", style: "--least:125px" }, ...panels.map((panel) => panel.node))));
  fig.controls.append(NTM.el("div", { class: "ntm-beside" }, NTM.vector(fig, "e", "e, what to erase of each column", e, 0),
    NTM.vector(fig, "a", "a, what to add to each column", a, -1)), fig.presets(presets));
  fig.draw = () => {
    const v = fig.values, erased = NTM.erase(rows, v.w, M[0].map((_, j) => v[`e${j}`])), added = NTM.add(erased, v.w, M[0].map((_, j) => v[`a${j}`]));
    for (const [i, now] of [rows, erased, added].entries()) NTM.show_memory(panels[i], now, ["before", "after erasing", "after adding"][i]);
    const most = v.w.indexOf(Math.max(...v.w));
    fig.say(`w sums to ${NTM.number(NTM.sum(v.w))}; slot ${most} holds now: ${[...added[most]].map((x) => NTM.number(x)).join(", ")}`);
  };
  fig.draw();
};
