// Addressing, stage by stage: equations (5) to (9) side by side, each weighting with its sum.
// settings: upto (a chapter of NTM.known), M (rows of two numbers), k0, k1, β, g, was, s, γ, times,
// presets.
"use strict";

// what each chapter knows: its inputs and its stages
NTM.known = {
  content: ["k0 k1 β", "K w_c"],
  interpolation: ["k0 k1 β g was", "w_prev w_c w_g"],
  shift: ["was times s", "w_g w_s"],
  sharpening: ["k0 k1 β g was γ s times", "w_prev w_c w_g w_s w"],
};

NTM.figures.stages = (fig) => {
  const { M, presets, upto } = fig.settings, N = M.length, rings = upto === "shift";
  const { read, grey } = NTM.colours, [shown, stages] = NTM.known[upto].map((of) => of.split(" "));
  const inputs = {
    k0: fig.slider("k0", "key, column 0", -2, 2, 0.05, 1),
    k1: fig.slider("k1", "key, column 1", -2, 2, 0.05, 0),
    β: fig.slider("β", "β, strength", 0, 30, 0.5, 3.5),
    g: fig.slider("g", "g, gate", 0, 1, 0.01, 0.5),
    was: fig.slider("was", "head was on", 0, N - 1, 1, 2),
    s: fig.shares("s", "s, shift by", ["−1", "0", "+1"], [0, 1, 0], read),
    γ: fig.slider("γ", "γ, sharpening", 1, 20, 0.1, 1),
    times: fig.slider("times", "how often", 1, 40, 1, 1),
  };
  const titles = {
    K: "cosine with the key (6)", w_prev: "w_prev, where it was", w_c: "w_c, by content (5)",
    w_g: rings ? "w_g, before the last step" : "w_g, interpolated (7)", w_s: "w_s, shifted (8)",
    w: "w, sharpened (9)",
  };
  const panels = stages.map((stage) => NTM.panel(titles[stage], 110));
  const picture = rings ? NTM.panel("the ring", 210) : NTM.panel("the rows of M, the key k", 170);
  fig.pictures.append(NTM.grid(upto === "interpolation" ? 150 : 200, picture, ...panels));
  fig.controls.append(NTM.grid(200, ...shown.map((key) => inputs[key])),
    NTM.row(...fig.presets(presets)));

  const reach = 1.3 * Math.max(...M.flat().map(Math.abs), 1.5);
  picture.drag((x, y, width, height) => {
    const [right, up] = [x - width / 2, height / 2 - y], unit = height / 2 / reach;
    const slot = Math.round((Math.atan2(right, up) / (2 * Math.PI)) * N);
    const [k0, k1] = [right, up].map((v) => NTM.between(Math.round((v / unit) * 20) / 20, -2, 2));
    fig.set(rings ? { was: (slot + N) % N } : { k0, k1 });
  }, "all");

  fig.draw = () => {
    const { k0, k1, β, g, was, s, γ, times } = fig.values, k = [k0, k1];
    let found = { w: M.map((_, i) => Number(i === was)) };
    for (let n = 0; n < times; n++) {
      found = { w_prev: found.w, ...NTM.address(M, { k, β, g, s, γ }, found.w) };
    }
    found.K = NTM.similarity(M, k);
    for (const [i, stage] of stages.entries()) {
      const w = found[stage], colour = stage === "K" || stage === "w_prev" ? grey : read;
      const told = Array.from(w, (v, j) => `slot ${j} ${NTM.number(v)}`).join(", ");
      panels[i].named(titles[stage], `${titles[stage]}: ${told}`);
      panels[i].pen((pen, width, height) => NTM.bars(pen, width, height, w, colour, stage === "K"));
    }
    const w = found[stages.at(-1)], most = NTM.most(w), [share, sum] = [w[most], NTM.sum(w)];
    fig.say(`Most on slot ${most}: ${NTM.number(share, 3)}. Sums to ${NTM.number(sum, 3)}.`);
    if (!rings) return picture.pen((...canvas) => NTM.plane(...canvas, M, k, reach));
    picture.named(`inner before, outer after${times > 1 ? ` ×${times}` : ""}`);
    picture.pen((...canvas) => NTM.ring(...canvas, [found.w_g, found.w_s], s[2] - s[0]));
  };
};

// Rows of a memory and a key, of two numbers each, as arrows.
NTM.plane = (pen, width, height, M, k, reach) => {
  const unit = height / 2 / reach, at = ([x, y]) => [width / 2 + x * unit, height / 2 - y * unit];
  const line = (from, to, ...ink) => NTM.line(pen, [at(from), at(to)], ...ink);
  line([-2 * reach, 0], [2 * reach, 0], NTM.colours.pale);
  line([0, -reach], [0, reach], NTM.colours.pale);
  for (const [i, row] of [...M, k].entries()) {
    const key = i === M.length, colour = NTM.colours[key ? "read" : "grey"];
    const far = 1 + 0.22 / Math.max(Math.hypot(...row), 0.2);
    line([0, 0], row, colour, key ? 3 : 2);
    NTM.text(pen, key ? "k" : i, ...at(row.map((v) => v * far)), "center", colour);
    pen.beginPath();
    pen.arc(...at(row), 4, 0, 7);
    pen.fill();
  }
};

// Weightings as rings of slots, the first innermost; within them, how far s moves on average.
NTM.ring = (pen, width, height, rings, moves) => {
  const [x, y] = [width / 2, height / 2], outer = y - 20, thick = outer / (rings.length + 2.2);
  const N = rings[0].length, angle = (i) => (2 * Math.PI * i) / N - Math.PI / 2;
  pen.strokeStyle = NTM.colours.paper;
  for (const [n, w] of rings.entries()) {
    const from = outer - thick * (rings.length - n);
    for (let i = 0; i < N; i++) {
      pen.beginPath();
      pen.arc(x, y, from + thick * 0.92, angle(i - 0.46), angle(i + 0.46));
      pen.arc(x, y, from, angle(i + 0.46), angle(i - 0.46), true);
      pen.closePath();
      const tone = NTM.tone("read", w[i]);
      pen.fillStyle = `rgb(${tone & 255} ${(tone >> 8) & 255} ${(tone >> 16) & 255})`;
      pen.fill();
      pen.stroke();
    }
  }
  for (let i = 0; i < N; i++) {
    NTM.text(pen, i, x + (outer + 11) * Math.cos(angle(i)), y + (outer + 11) * Math.sin(angle(i)));
  }
  NTM.text(pen, "moves by", x, y - 10);
  NTM.text(pen, `${moves < 0 ? "↺ " : ""}${NTM.number(moves)}${moves > 0 ? " ↻" : ""}`, x, y + 8);
};
