// Addressing, stage by stage: equations (5) to (9) side by side, each weighting with its sum.
// settings: upto ("content", "interpolation", "shift" or "sharpening"), M (rows of two numbers), k, β, g, was, s, γ, times.
"use strict";

NTM.figures.stages = (fig) => {
  const { M, presets, upto } = fig.settings, rows = M.map((row) => Float64Array.from(row)), N = M.length;
  const level = ["content", "interpolation", "shift", "sharpening"].indexOf(upto), { read, grey } = NTM.colours;
  const slot = (v) => NTM.number(v, 0);

  // the inputs that this chapter knows, those of later chapters left out
  const inputs = {
    k0: fig.slider("k0", "key, column 0", -2, 2, 0.05, 1), k1: fig.slider("k1", "key, column 1", -2, 2, 0.05, 0),
    β: fig.slider("β", "β, strength", 0, 30, 0.5, 3.5), g: fig.slider("g", "g, gate", 0, 1, 0.01, level ? 0.5 : 1),
    was: fig.slider("was", "head was on", 0, N - 1, 1, 2, slot), γ: fig.slider("γ", "γ, sharpening", 1, 20, 0.1, 1),
    s: fig.shares("s", "s, shift by", ["−1", "0", "+1"], [0, 1, 0], read), times: fig.slider("times", "how often", 1, 40, 1, 1, slot),
  };
  const shown = [["k0", "k1", "β"], ["k0", "k1", "β", "g", "was"], ["was", "times", "s"], Object.keys(inputs)][level];

  // the pictures
  const plane = NTM.panel("the rows of M, and the key", 170), ring = NTM.panel("the ring of slots", 210), panels = {};
  const titles = {
    K: "cosine with the key (6)", w_prev: "w_prev, where it was", w_c: "w_c, by content (5)", w_g: "w_g, interpolated (7)",
    w_s: "w_s, shifted (8)", w: "w, sharpened (9)",
  };
  if (level === 2) titles.w_g = "w_g, before the last step";
  const kinds = [["K", "w_c"], ["w_prev", "w_c", "w_g"], ["w_g", "w_s"], ["w_prev", "w_c", "w_g", "w_s", "w"]][level];
  for (const kind of kinds) panels[kind] = NTM.panel(titles[kind], 110);
  const grid = NTM.el("div", { class: "ntm-grid", style: `--least:${level === 1 ? 150 : 200}px` }, ...(level === 2 ? [ring] : [plane]).map((panel) => panel.node), ...kinds.map((kind) => panels[kind].node));
  fig.pictures.append(grid);
  fig.controls.append(NTM.el("div", { class: "ntm-grid" }, ...shown.map((key) => inputs[key])), fig.presets(presets));

  const reach = 1.3 * Math.max(...M.flat().map(Math.abs), 1.5);
  plane.drag((x, y) => {
    const { clientWidth: width, clientHeight: height } = plane.canvas, scale = height / 2 / reach;
    const round = (v) => Math.max(-2, Math.min(2, Math.round(v * 20) / 20));
    fig.set({ k0: round((x - width / 2) / scale), k1: round((height / 2 - y) / scale) });
  });
  ring.drag((x, y) => {
    const { clientWidth: width, clientHeight: height } = ring.canvas, turn = Math.atan2(x - width / 2, height / 2 - y) / (2 * Math.PI);
    fig.set({ was: ((Math.round(turn * N) % N) + N) % N });
  });

  // what all stages make of the values, the same step `times` times
  const compute = ({ k0, k1, β, g, was, s, γ, times }) => {
    const w = Float64Array.from({ length: N }, (_, i) => Number(i === Number(was)));
    let found = { w };
    for (let n = 0; n < times; n++) {
      const w_prev = found.w;
      found = { w_prev, K: NTM.similarity(rows, [k0, k1]), ...NTM.address(rows, { k: [k0, k1], β, g, s, γ }, w_prev) };
    }
    return found;
  };
  fig.compute = () => compute(fig.values);

  fig.draw = () => {
    const found = fig.compute(), { k0, k1, s, was, times } = fig.values;
    for (const kind of kinds) {
      const w = found[kind], colour = ["K", "w_prev"].includes(kind) ? grey : read;
      panels[kind].title(titles[kind], `${titles[kind]}: ${[...w].map((v, i) => `slot ${i} ${NTM.number(v)}`).join(", ")}`);
      panels[kind].pen((pen, width, height) => NTM.bars(pen, width, height, w, colour, kind === "K"));
    }
    const after = found[["w_c", "w_g", "w_s", "w"][level]], most = after.indexOf(Math.max(...after));
    fig.say(`Most on slot ${most}: ${NTM.number(after[most], 3)}. Sums to ${NTM.number(NTM.sum(after), 3)}.`);
    if (level === 2) {
      ring.title(`inner ring: before; outer: after${times > 1 ? ` ${times} steps` : ""}`);
      ring.pen((pen, width, height) => NTM.ring(pen, width, height, [found.w_g, found.w_s], s));
    } else plane.pen((pen, width, height) => draw_plane(pen, width, height, k0, k1));
  };

  function draw_plane(pen, width, height, k0, k1) {
    const scale = height / 2 / reach, at = (x, y) => [width / 2 + x * scale, height / 2 - y * scale];
    const arrow = (x, y, words) => {
      pen.beginPath();
      pen.moveTo(...at(0, 0));
      pen.lineTo(...at(x, y));
      pen.stroke();
      pen.beginPath();
      pen.arc(...at(x, y), 4, 0, 7);
      pen.fill();
      const far = 1 + 0.22 / Math.max(Math.hypot(x, y), 0.2);
      pen.fillText(words, ...at(x * far, y * far));
    };
    pen.textAlign = "center";
    pen.strokeStyle = "#dddddd";
    for (const [from, to] of [[at(-reach * 2, 0), at(reach * 2, 0)], [at(0, -reach), at(0, reach)]]) {
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(...to);
      pen.stroke();
    }
    pen.lineWidth = 2;
    pen.strokeStyle = pen.fillStyle = grey;
    M.forEach((row, i) => arrow(row[0], row[1], i));
    pen.strokeStyle = pen.fillStyle = read;
    pen.lineWidth = 3;
    arrow(k0, k1, "k");
  }
  fig.draw();
};

// Weightings as rings of slots, the first innermost; arrows around it say where s moves.
NTM.ring = (pen, width, height, rings, s) => {
  const cx = width / 2, cy = height / 2, outer = height / 2 - 20, thick = outer / (rings.length + 2.2), N = rings[0].length;
  const angle = (i) => (2 * Math.PI * i) / N - Math.PI / 2;
  pen.strokeStyle = NTM.colours.paper;
  pen.textAlign = "center";
  rings.forEach((w, n) => {
    const from = outer - thick * (rings.length - n), to = from + thick * 0.92;
    for (let i = 0; i < N; i++) {
      pen.beginPath();
      pen.arc(cx, cy, to, angle(i - 0.46), angle(i + 0.46));
      pen.arc(cx, cy, from, angle(i + 0.46), angle(i - 0.46), true);
      pen.closePath();
      const tone = NTM.tone("read", w[i]);
      pen.fillStyle = `rgb(${tone & 255} ${(tone >> 8) & 255} ${(tone >> 16) & 255})`;
      pen.fill();
      pen.stroke();
    }
  });
  pen.fillStyle = NTM.colours.grey;
  for (let i = 0; i < N; i++) pen.fillText(i, cx + (outer + 11) * Math.cos(angle(i)), cy + (outer + 11) * Math.sin(angle(i)));
  const mean = s[2] - s[0];
  pen.fillText("moves by", cx, cy - 10);
  pen.fillText(`${mean < 0 ? "↺ " : ""}${NTM.number(mean)}${mean > 0 ? " ↻" : ""}`, cx, cy + 8);
};
