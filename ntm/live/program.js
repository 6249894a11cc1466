// Programs by hand: two verbs, two ways to go, on the real memory. A line is an instruction, which may be repeated:
//   write(x)   read(jump=start)   for each vector: write(x, move=+1)   for the rest: read(move=+1)   3 times: read(move=-1)   pass
// x: this step's input; start: the first; mark: the one that ends the data; or numbers, [0, 1, ...]. settings: N, vectors, β, γ, leak, seed.
"use strict";

// A text as [{ line, repeat: "once", "each", "rest" or a number, verb, value, jump, move }]; throws an error that names the line.
NTM.parse = (text) => text.split("\n").flatMap((written, line) => {
  const source = written.replace(/#.*/, "").trim();
  if (!source) return [];
  const wrong = (what) => { throw new Error(`Line ${line + 1}: ${what}`); };
  const [, each, rest, times, order] = source.match(/^(?:(for each vector)\s*:|(for the rest)\s*:|(\d+) times\s*:)?\s*(.+)$/);
  const repeat = each ? "each" : rest ? "rest" : times ? Number(times) : "once";
  if (order === "pass") return [{ line, repeat, verb: "pass", move: 0 }];
  const [, verb, inside] = order.match(/^(read|write)\s*\((.*)\)$/) || wrong(`“${order}” is neither read(...) nor write(...) nor pass`);
  const step = { line, repeat, verb, move: 0 };
  for (const part of inside.match(/\[[^\]]*\]|[^,[\]]+(\[[^\]]*\])?/g) || []) {
    const [, name, value] = part.trim().match(/^(?:(\w+)\s*=)?\s*(.+)$/) || wrong(`“${part}” is not understood`);
    if (name === "move") step.move = Number(value);
    else if (name === "jump") step.jump = value;
    else if (!name && verb === "write") step.value = value;
    else wrong(`“${part.trim()}” is not understood; there are move=…, jump=…, and what to write`);
  }
  if (![-1, 0, 1].includes(step.move)) wrong(`move is ${step.move}; it must be −1, 0 or +1`);
  for (const given of [step.jump, step.value]) {
    if (given !== undefined && !/^(x|start|mark|None|\[[-\d.,\s]*\])$/.test(given)) wrong(`“${given}” is none of x, start, mark, or numbers in brackets`);
  }
  return [step];
});

// The steps that the program takes, one for every input.
NTM.unroll = (program, x, marked) => {
  const steps = [], next = (step) => steps.length < x.length && steps.push(step);
  for (const step of program) {
    if (step.repeat === "each") while (steps.length < x.length && !marked(x[steps.length])) next(step);
    else for (let n = step.repeat === "once" ? 1 : step.repeat === "rest" ? x.length : step.repeat; n > 0; n--) next(step);
  }
  return steps;
};

// Run it: one read head, one write head, a memory that begins empty, both heads on slot 0; what ntm.programs.run does.
NTM.execute = (program, { x }, { N, width, β, γ, leak }) => {
  const marked = (row) => row[width - 1] > 0, steps = NTM.unroll(program, x, marked), mark = x.find(marked);
  const row = (given, t) => {
    const values = { x: x[t], start: x[0], mark, None: [] }[given] || JSON.parse(given);
    return Float64Array.from({ length: width }, (_, j) => values[j] || 0);
  };
  const offsets = (move) => Float64Array.from({ length: 3 }, (_, j) => (j === 1 + move ? 1 - leak : leak / 2)), none = new Float64Array(width);
  let M = Array.from({ length: N }, () => none), w = [0, 1].map(() => Float64Array.from({ length: N }, (_, i) => Number(i === 0)));
  return x.map((_, t) => {
    const step = steps[t] || { verb: "pass", move: 0 };
    const before = w, heads = ["read", "write"].map((kind, i) => {
      const mine = step.verb === kind, jumps = mine && step.jump !== undefined;
      const head = { k: jumps ? row(step.jump, t) : none, β, g: Number(jumps), s: offsets(mine ? step.move : 0), γ };
      return { kind, ...head, ...NTM.address(M, head, before[i]) };
    });
    w = heads.map((head) => head.w);
    const r = NTM.read(M, w[0]);
    if (step.verb === "write" && step.value !== undefined && step.value !== "None") M = NTM.add(NTM.erase(M, w[1], none.map(() => 1)), w[1], row(step.value, t));
    return { step, heads, before, r, M };
  });
};

// What a head did, in the disassembler's words (ntm.programs.disassemble).
NTM.told = ({ heads, before }, i) => {
  const { w, w_c, w_s, g, s } = heads[i], slot = w.indexOf(Math.max(...w)), N = w.length;
  if (w[slot] <= 0.5) return "blurred";
  const jumps = (g * NTM.shift(w_c, s)[slot]) / Math.max(w_s[slot], 1e-12) > 0.5, from = jumps ? w_c : before[i];
  const brought = [-1, 0, 1].map((o) => s[o + 1] * from[(slot - o + N) % N]), offset = brought.indexOf(Math.max(...brought)) - 1;
  return `${jumps ? "jump" : offset ? "move" : "stay"}${offset ? (offset > 0 ? " +1" : " −1") : ""}, slot ${slot}`;
};

NTM.figures.program = (fig) => {
  const width = 10, { N = 16, seed = 0 } = fig.settings;
  const text = NTM.el("textarea", { rows: 6, spellcheck: "false", "aria-label": "the program", oninput: () => fig.set({ text: text.value }) });
  const listing = NTM.el("pre", { class: "ntm-steps", tabindex: 0, "aria-label": "what every step did", role: "region" });
  const copy = "write(x)\nfor each vector: write(x, move=+1)\nread(jump=start)\nfor the rest: read(move=+1)";
  const panels = Object.fromEntries([["target", 60], ["output", 60], ["write", 110], ["read", 110]].map(([name, tall]) => [name, NTM.panel(name, tall)]));
  fig.pictures.append(NTM.el("div", { class: "ntm-beside" }, NTM.el("div", {}, text, listing), NTM.el("div", {}, ...Object.values(panels).map((panel) => panel.node))));
  const sliders = [fig.slider("t", "step", 0, 99, 1, 99), fig.slider("vectors", "vectors", 1, N + 2, 1, 8),
    fig.slider("β", "β, of a jump", 0, 50, 0.5, 50), fig.slider("γ", "γ, sharpening", 1, 30, 0.5, 30), fig.slider("leak", "leak", 0, 0.6, 0.02, 0)];
  const move = (by) => () => fig.set({ t: Math.max(0, Math.min(2 * fig.values.vectors + 1, Math.min(fig.values.t, 2 * fig.values.vectors + 1) + by)) });
  fig.controls.append(NTM.el("div", { class: "ntm-grid" }, ...sliders), NTM.el("div", { class: "ntm-buttons" },
    fig.button("first step", () => fig.set({ t: 0 })), fig.button("‹ step", move(-1), { "aria-label": "one step back" }), fig.button("step ›", move(1), { "aria-label": "one step on" }),
    ...fig.presets({ "backwards": { text: "pass\nfor each vector: write(x, move=+1)\nwrite(x, move=+1)\nread(jump=mark, move=-1)\nfor the rest: read(move=-1)" },
      "no sharpening, a leak": { γ: 1, leak: 0.1 }, "one vector too many": { vectors: N } }).children));
  fig.keep("text", copy, (v) => { if (text.value !== v) text.value = v; });

  fig.draw = () => {
    const { vectors, β, γ, leak, text: source } = fig.values, T = 2 * vectors + 2, t = Math.min(fig.values.t, T - 1), random = NTM.random(seed);
    sliders[0].input.max = T - 1;
    fig.shows.t(t);
    const sequence = NTM.tasks.copy().sample(random, { length: vectors });
    let steps;
    try {
      steps = NTM.execute(NTM.parse(source), sequence, { N, width, β, γ, leak });
    } catch (error) {
      return fig.say(error.message);
    }
    const bits = (s) => s.r.slice(0, 8).map((v) => Number(v > 0.5)), asked = sequence.mask;
    const wrong = steps.map((s, now) => (asked[now] ? NTM.sum(bits(s).map((v, j) => Math.abs(v - sequence.y[now][j]))) : 0)), first = wrong.findIndex((n) => n);
    const cells = {
      target: [sequence.y, "bits", 8, "wanted: the vectors, once more"], output: [steps.map((s, now) => (asked[now] ? s.r : none)), "bits", 8, "read"],
      write: [steps.map((s) => s.heads[1].w), "write", N, "where the write head is"], read: [steps.map((s) => s.heads[0].w), "read", N, "where the read head is"],
    };
    for (const [name, [rows, map, count, title]] of Object.entries(cells)) {
      panels[name].title(title);
      panels[name].pen((pen, w, height) => {
        NTM.heat(pen, Array.from({ length: count }, (_, j) => rows.map((row) => row[j])), { x: 0, width: w, height, columns: T, map, until: name === "target" ? T : t + 1 });
        pen.strokeStyle = "#e08214";
        pen.lineWidth = 2;
        pen.strokeRect((t * w) / T, 1, w / T, height - 2);
      });
    }
    const words = steps.map((s, now) => {
      const head = s.step.verb === "write" ? 1 : 0, did = s.step.verb === "pass" ? "pass" : `${s.step.verb} (${NTM.told(s, head)})`;
      return NTM.el("span", { class: now === t ? "now" : "" }, `${String(now).padStart(2)}  ${did}${wrong[now] ? `   ${wrong[now]} bits wrong` : ""}\n`);
    });
    listing.replaceChildren(...words);
    listing.scrollTop = words[t].offsetTop - listing.offsetTop - listing.clientHeight / 2;
    fig.say(first < 0 ? `All ${8 * vectors} bits are right.` : `${NTM.sum(wrong)} of ${8 * vectors} bits are wrong, the first of them in step ${first}.`);
  };
  const none = new Float64Array(width);
  fig.draw();
};
