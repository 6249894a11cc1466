// The playground: give a shipped machine a pattern of your own, then interfere. A change holds from
// the step that is shown: a head's g, s, γ or β overridden, a head held still, a row of the memory
// cleared or scrambled. settings: machines.
"use strict";

// Of each task: the bits of a typed vector, how such vectors (at least so many) become a sequence,
// and what is typed at first.
NTM.typed = {
  copy: [8, (task, rows) => task.sequence(rows), 1, "A memory, and two heads that move."],
  repeat_copy: [6, (task, rows, { repeats }) => task.sequence(rows, repeats), 1, "Encore"],
  associative_recall: [6, (task, rows, { query }) => {
    const items = Array.from({ length: Math.floor(rows.length / 3) }, () => rows.splice(0, 3));
    return task.sequence(items, Math.min(query, items.length - 2));
  }, 6, "catdogcowpigant"],
  priority_sort: [8, (task, rows, { seed }) => {
    const random = NTM.random(seed);
    return task.sequence(rows, rows.map(() => 2 * random.uniform() - 1));
  }, 1, "the quick brown fox."],
};
NTM.typed.repeat_copy_marks = NTM.typed.repeat_copy;
// What can be done to a head: its words, and the lowest, highest and first value, and the step.
NTM.tools = {
  hold: ["hold it still"], g: ["gate g =", 0, 1, 0, 0.01], s: ["move by", -1, 1, 0, 1],
  γ: ["sharpening γ =", 1, 30, 1, 0.5], β: ["strength β =", 0, 30, 0, 0.5],
};

NTM.figures.playground = (fig) => {
  const { settings: { machines }, values } = fig, task = () => NTM.task_of(values.machine);
  const width = () => NTM.typed[task()][0];
  const counted = (n) => `${n} vector${n === 1 ? "" : "s"}`;
  const rows = () => NTM.vectors(values.text, width()).slice(0, 120);
  const give = (text, more) => fig.set({ text, t: 1e9, ...more }); // to the end
  const bits = (vectors, more) => give(vectors.map((row) => row.join("")).join(" "), more);

  // what goes in: a text, bits drawn with the pointer, or random ones
  const typed = NTM.el("input", {
    type: "text", maxlength: 1200, "aria-label": "the pattern: letters, or words of bits",
    oninput: () => give(typed.value),
  });
  const machine = NTM.machines(fig, machines.filter((name) => NTM.task_of(name) in NTM.typed));
  fig.keep("text", NTM.typed[task()][3], (v) => (typed.value = v));
  fig.keep("seed", 1);
  machine.addEventListener("change", () => give(NTM.typed[task()][3], { changes: [] }));
  const length = fig.slider("length", "vectors", 1, 120, 1, 20);
  const repeats = fig.slider("repeats", "repeats", 1, 20, 1, 3);
  const query = fig.slider("query", "ask for item", 0, 18, 1, 1);
  const random = NTM.button("random bits", () => {
    const seed = values.seed + 1;
    bits(NTM.random(seed).bits(values.length, width()), { seed });
  });
  const pattern = NTM.label("pattern", typed), drawn = NTM.panel("the pattern: draw, or type", 96);
  pattern.classList.add("ntm-wide");
  fig.pictures.append(NTM.row(machine, pattern), drawn.node,
    NTM.row(length, random, repeats, query));
  let paint = 1;
  drawn.drag((x, y, down) => {
    const { clientWidth, clientHeight } = drawn.canvas, vectors = rows();
    const vector = vectors[Math.floor((x / clientWidth) * vectors.length)];
    const j = Math.floor((y / clientHeight) * width());
    if (vector?.[j] === undefined) return;
    if (down) paint = 1 - vector[j];
    vector[j] = paint;
    bits(vectors);
  }, "all");

  const player = new NTM.Player(fig);
  player.tell = (t) => player.numbers(t);
  fig.controls.append(NTM.row(...player.choices()));

  // the changes
  const number = (name, min, max, value) =>
    NTM.el("input", { type: "number", min, max, value, "aria-label": name });
  const heads = NTM.pick("which head", {}), slot = number("slot", 0, 127, 5);
  const value = number("its value", 0, 0, 0), lasting = number("for how many steps", 1, 500, 3);
  const fit = (kind) => {
    const [, min, max, first, step] = NTM.tools[kind];
    Object.assign(value, { min, max, step, value: first, hidden: kind === "hold" });
  };
  const tool = NTM.pick("what to do to it", Object.fromEntries(
    Object.entries(NTM.tools).map(([kind, [label]]) => [kind, label])), fit);
  fit("hold");
  const change = (what) => fig.set({ changes: [...values.changes, { at: player.t, ...what }] });
  const damage = (words, kind) => NTM.button(words, () =>
    change({ slot: NTM.between(Number(slot.value), 0, 127), damage: kind }));
  const act = NTM.button("do it", () => {
    const kind = tool.value, v = Number(value.value), [label, low, high] = NTM.tools[kind];
    const of = { head: Number(heads.value), until: player.t + Number(lasting.value) };
    if (v < low || v > high) return fig.say(`${label} ${v}: it must be from ${low} to ${high}`);
    const given = kind === "s" ? [-1, 0, 1].map((offset) => Number(offset === v)) : v;
    change(kind === "hold" ? { ...of, hold: true } : { ...of, give: { [kind]: given } });
  });
  const list = NTM.row(), tools = NTM.fields("Interfere, from the step that is shown",
    NTM.row(heads, tool, value, NTM.label("for", lasting, "steps"), act),
    NTM.row(NTM.label("slot", slot), damage("clear this row", "clear"),
      damage("scramble this row", "scramble")), list);
  tools.classList.add("ntm-tools");
  fig.controls.append(tools, NTM.row(...fig.presets()));
  const told = ({ at, until, head, slot: row, damage: kind, give: given = {} }) => {
    if (kind) return `step ${at}: slot ${row} ${kind === "clear" ? "cleared" : "scrambled"}`;
    const [[key, v] = []] = Object.entries(given), who = heads.options[head]?.text;
    const set = key === "s" ? ["−1", "0", "+1"][v.indexOf(1)] : v;
    return `steps ${at} to ${until - 1}: ${who} ${key ? `${key} = ${set}` : "held still"}`;
  };
  fig.keep("changes", [], (changes) => list.replaceChildren(...changes.map((each) => {
    const undo = () => fig.set({ changes: changes.filter((other) => other !== each) });
    return NTM.button(`✕ ${told(each)}`, undo, `undo: ${told(each)}`);
  })));

  player.done = () => {
    const { run } = player, { wrong, asked } = run.score(), vectors = NTM.sum(run.sequence.mask);
    const short = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
    const [wanted, written] = [run.wanted(values.text), run.written(values.text)].map(short);
    const judged = wrong ? `${wrong} of ${asked} bits wrong` : `All ${asked} bits right`;
    fig.say(`Wanted: “${wanted}”. Written: “${written}”. ${judged} in ${counted(vectors)}.`);
    fig.box.dataset.wrong = wrong;
  };
  fig.before(["t", "detail", "head", "length"], ({ machine: name, changes }) => {
    const vectors = rows(), [, make, least] = NTM.typed[task()], many = counted(vectors.length);
    repeats.hidden = !task().startsWith("repeat_copy");
    query.hidden = task() !== "associative_recall";
    if (vectors.length < least) {
      const fit = width() === 6 ? NTM.alphabet : "any";
      return fig.say(`The pattern has ${many}; it needs ${least} or more. Letters: ${fit}.`);
    }
    drawn.title(`the pattern, ${many} of ${width()} bits: draw, or type`);
    drawn.pen((pen, w, h) => NTM.heat(pen, w, h, vectors, { map: "bits" }));
    player.begin(name, (of, { reads, writes }) => {
      const named = Array.from({ length: reads + writes }, (_, i) =>
        (i < reads ? `read head ${i}` : `write head ${i - reads}`));
      const same = heads.options.length === named.length;
      if (!same) heads.replaceChildren(...NTM.pick("", named).options);
      fig.shows.changes(changes);
      return make(of, vectors, values);
    }, changes);
  });
};
