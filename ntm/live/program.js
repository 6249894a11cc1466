// Programs by hand: two verbs, two ways to go, on the real memory. A line is an instruction, which
// may
// be repeated: write(x)   read(jump=start)   for each vector: write(x, move=+1)   pass
//              for the rest: read(move=+1)   3 times: read(move=-1)
// x: this step's input; start: the first; mark: the one that ends the data; or numbers, [0, 1,
// ...]. settings: N, vectors, β, γ, leak, seed.
"use strict";

// A text as [{ times: "each", "rest" or a number, verb, value, jump, move }]; throws an error that
// names the line.
NTM.parse = (text) => text.split("\n").flatMap((written, line) => {
  const source = written.replace(/#.*/, "").trim();
  const wrong = (what) => NTM.wrong(`Line ${line + 1}: ${what}`);
  if (!source) return [];
  const repeated = /^(?:(for each vector)\s*:|(for the rest)\s*:|(\d+) times\s*:)?\s*(.+)$/;
  const [, each, rest, n = 1, order] = source.match(repeated);
  const step = { times: each ? "each" : rest ? "rest" : Number(n), verb: "pass", move: 0 };
  if (order === "pass") return [step];
  const [, verb, inside] = order.match(/^(read|write)\s*\((.*)\)$/)
    || wrong(`“${order}” is neither read(...) nor write(...) nor pass`);
  for (const part of inside.match(/\[[^\]]*\]|[^,[\]]+(\[[^\]]*\])?/g) || []) {
    const [, name, value] = part.match(/^\s*(?:(move|jump)\s*=)?\s*([^=]*?)\s*$/) || [];
    if (value === undefined || (!name && verb === "read")) {
      wrong(`“${part.trim()}” is not understood; there are move=…, jump=…, and what to write`);
    }
    step[name || "value"] = name === "move" ? Number(value) : value;
    if (name !== "move" && !/^(x|start|mark|None|\[[-\d.,\s]*\])$/.test(value)) {
      wrong(`“${value}” is none of x, start, mark, or numbers in brackets`);
    }
  }
  if (![-1, 0, 1].includes(step.move)) wrong(`move is ${step.move}; it must be −1, 0 or +1`);
  return [{ ...step, verb }];
});

// The steps that the program takes, one for every input, `marked` where the data end.
NTM.unroll = (program, marked) => {
  const steps = [], T = marked.length;
  for (const step of program) {
    const times = { each: marked.indexOf(true) - steps.length, rest: T }[step.times] ?? step.times;
    for (let n = 0; steps.length < T && n < times; n++) steps.push(step);
  }
  return steps.concat(Array(T - steps.length).fill({ verb: "pass", move: 0 }));
};

// Run it: one read head, one write head, a memory that begins empty, both heads on slot 0; what
// ntm.programs.run does.
NTM.execute = (program, { x }, { N, width, β, γ, leak }) => {
  const marked = x.map((row) => row[width - 1] > 0), mark = x[marked.indexOf(true)];
  const none = new Float64Array(width), row = (given, t) => {
    const values = { x: x[t], start: x[0], mark, None: none }[given] || JSON.parse(given);
    return none.map((_, j) => values[j] || 0);
  };
  let M = Array(N).fill(none), w = [0, 1].map(() => Float64Array.of(1, ...Array(N - 1).fill(0)));
  return NTM.unroll(program, marked).map((step, t) => {
    const before = w, heads = ["read", "write"].map((kind, i) => {
      const { move, jump } = step.verb === kind ? step : { move: 0 }, g = Number(Boolean(jump));
      const s = [-1, 0, 1].map((offset) => (offset === move ? 1 - leak : leak / 2));
      return { g, s, ...NTM.address(M, { k: g ? row(jump, t) : none, β, g, s, γ }, before[i]) };
    });
    w = heads.map((head) => head.w);
    const r = NTM.read(M, w[0]), writes = step.value !== undefined && step.value !== "None";
    if (writes) M = NTM.add(NTM.erase(M, w[1], none.map(() => 1)), w[1], row(step.value, t));
    return { verb: step.verb, heads, before, r };
  });
};

// What a head did, in the disassembler's words (ntm.programs.disassemble).
NTM.told = ({ heads, before }, i) => {
  const { w, w_c, w_s, g, s } = heads[i], slot = NTM.most(w), N = w.length;
  if (w[slot] <= 0.5) return "blurred";
  const jumps = (g * NTM.shift(w_c, s)[slot]) / Math.max(w_s[slot], 1e-12) > 0.5;
  const from = jumps ? w_c : before[i];
  const offset = NTM.most([-1, 0, 1].map((o) => s[o + 1] * from[(slot - o + N) % N]));
  const way = jumps ? "jump" : offset === 1 ? "stay" : "move";
  return `${way}${[" −1", "", " +1"][offset]}, slot ${slot}`;
};

NTM.figures.program = (fig) => {
  const width = 10, { N = 16, seed = 0 } = fig.settings;
  const copy = "write(x)\nfor each vector: write(x, move=+1)\n"
    + "read(jump=start)\nfor the rest: read(move=+1)";
  const backwards = "pass\nfor each vector: write(x, move=+1)\nwrite(x, move=+1)\n"
    + "read(jump=mark, move=-1)\nfor the rest: read(move=-1)";
  const text = fig.text("text", "the program", copy, { rows: 6, spellcheck: "false" });
  const named = { tabindex: 0, role: "region", "aria-label": "what every step did" };
  const listing = NTM.el("pre", { class: "ntm-steps", ...named });
  const titles = [["wanted: the vectors, once more", 60], ["read", 60],
    ["where the write head is", 110], ["where the read head is", 110]];
  const panels = titles.map(([title, height]) => NTM.panel(title, height));
  fig.pictures.append(NTM.div("beside", NTM.el("div", {}, text, listing),
    NTM.el("div", {}, ...panels)));
  const sliders = [
    fig.slider("t", "step", 0, 99, 1, 99), fig.slider("vectors", "vectors", 1, N + 2, 1, 8),
    fig.slider("β", "β, of a jump", 0, 50, 0.5, 50),
    fig.slider("γ", "γ, sharpening", 1, 30, 0.5, 30), fig.slider("leak", "leak", 0, 0.6, 0.02, 0),
  ];
  const now = () => Math.min(fig.values.t, 2 * fig.values.vectors + 1);
  const move = (by) => fig.set({ t: Math.max(0, now() + by) });
  const begin = NTM.button("first step", () => move(-Infinity));
  fig.controls.append(NTM.grid(200, ...sliders), NTM.row(begin, ...NTM.steps(move), ...fig.presets({
    "backwards": { text: backwards }, "no sharpening, a leak": { γ: 1, leak: 0.1 },
    "one vector too many": { vectors: N },
  })));

  fig.draw = () => {
    const { vectors, text: source, ...sizes } = fig.values, T = 2 * vectors + 2, t = now();
    sliders[0].input.max = T - 1;
    fig.shows.t(t);
    const sequence = NTM.sample(NTM.tasks().copy, NTM.random(seed), { length: vectors });
    const { y, mask } = sequence, differ = (a, b) => a > 0.5 !== b > 0.5;
    let steps;
    try {
      steps = NTM.execute(NTM.parse(source), sequence, { ...sizes, N, width });
    } catch (error) { return fig.say(error.message); }
    const output = steps.map(({ r }, now) => r.slice(0, 8).map((v) => v * mask[now]));
    const wrong = y.map((row, now) => row.filter((v, j) => differ(v, output[now][j])).length);
    const [read, write] = [0, 1].map((i) => steps.map(({ heads }) => heads[i].w));
    const shown = [["bits", y], ["bits", output], ["write", write], ["read", read]];
    shown.forEach(([map, columns], i) =>
      NTM.timeline(panels[i], i ? columns.slice(0, t + 1) : y, { map, all: T, now: t }));
    const lines = steps.map((each, now) => {
      const did = each.verb === "pass" ? "" : ` (${NTM.told(each, Number(each.verb === "write"))})`;
      const missed = wrong[now] ? `   ${wrong[now]} bits wrong` : "";
      const words = `${String(now).padStart(2)}  ${each.verb}${did}${missed}\n`;
      return NTM.el("span", { class: now === t ? "now" : "" }, words);
    });
    listing.replaceChildren(...lines);
    listing.scrollTop = lines[t].offsetTop - listing.offsetTop - listing.clientHeight / 2;
    const all = 8 * vectors, first = wrong.findIndex((n) => n);
    fig.say(first < 0 ? `All ${all} bits are right.`
      : `${NTM.sum(wrong)} of ${all} bits are wrong, the first of them in step ${first}.`);
  };
};
