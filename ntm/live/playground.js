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
    const [, priorities] = task.draw(NTM.random(seed), { vectors: rows.length });
    return task.sequence(rows, priorities);
  }, 1, "the quick brown fox."],
};
NTM.typed.repeat_copy_marks = NTM.typed.repeat_copy;
// What can be done to a head: its words, and the field for its value, which begins at `value`.
NTM.tools = {
  w: ["hold it still", { hidden: true }],
  g: ["gate g =", { min: 0, max: 1, step: 0.01, value: 0 }],
  s: ["move by", { min: -1, max: 1, step: 1, value: 0 }],
  γ: ["sharpening γ =", { min: 1, max: 30, step: 0.5, value: 1 }],
  β: ["strength β =", { min: 0, max: 30, step: 0.5, value: 0 }],
};

NTM.figures.playground = (fig) => {
  const { settings: { machines }, values } = fig, task = () => NTM.task_of(values.machine);
  const width = () => NTM.typed[task()][0], counted = (n) => `${n} vector${n === 1 ? "" : "s"}`;
  const rows = () => NTM.vectors(values.text, width()).slice(0, 120);
  const give = (text, more) => fig.set({ text, t: 1e9, ...more }); // to the end
  const bits = (vectors, more) => give(vectors.map((row) => row.join("")).join(" "), more);

  // what goes in: a text, bits drawn with the pointer, or random ones
  const machine = NTM.machines(fig, machines.filter((name) => NTM.task_of(name) in NTM.typed));
  const typed = fig.text("text", "the pattern: letters, or words of bits", NTM.typed[task()][3],
    { type: "text", maxlength: 1200 }, (text) => give(text));
  fig.keep("seed", 1);
  machine.addEventListener("change", () => give(NTM.typed[task()][3], { changes: [] }));
  const length = fig.slider("length", "vectors", 1, 120, 1, 20);
  const repeats = fig.slider("repeats", "repeats", 1, 20, 1, 3);
  const query = fig.slider("query", "ask for item", 0, 18, 1, 1);
  const random = NTM.button("random bits", () =>
    bits(NTM.random(values.seed).bits(values.length, width()), { seed: values.seed + 1 }));
  const pattern = NTM.label("pattern", typed), drawn = NTM.panel("the pattern: draw, or type", 96);
  fig.pictures.append(NTM.row(machine, pattern), drawn, NTM.row(length, random, repeats, query));
  let paint = 1;
  drawn.drag((x, y, wide, high, down) => {
    const vectors = rows(), vector = vectors[Math.floor((x / wide) * vectors.length)];
    const j = Math.floor((y / high) * width());
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
  const heads = NTM.pick("which head", []), slot = number("slot", 0, 127, 5);
  const value = number("its value", 0, 0, 0), lasting = number("for how many steps", 1, 500, 3);
  const fit = (kind) => Object.assign(value, { hidden: false, ...NTM.tools[kind][1] });
  const tools = Object.entries(NTM.tools).map(([kind, [label]]) => [kind, label]);
  const tool = NTM.pick("what to do to it", tools, fit);
  fit("w");
  const change = (what) => fig.set({ changes: [...values.changes, { at: player.t, ...what }] });
  const damage = (words, kind) => NTM.button(words, () =>
    change({ slot: NTM.between(Number(slot.value), 0, 127), damage: kind }));
  const act = NTM.button("do it", () => {
    const set = tool.value, v = Number(value.value), until = player.t + Number(lasting.value);
    if (!value.hidden && !value.reportValidity()) return; // the browser says what it must be
    const to = { w: undefined, s: [-1, 0, 1].map((offset) => Number(offset === v)) };
    change({ head: Number(heads.value), until, set, to: set in to ? to[set] : v });
  });
  const list = NTM.row(), interfere = NTM.fields("Interfere, from the step that is shown",
    NTM.row(heads, tool, value, NTM.label("for", lasting, "steps"), act),
    NTM.row(NTM.label("slot", slot), damage("clear this row", "clear"),
      damage("scramble this row", "scramble")), list);
  fig.controls.append(interfere, NTM.row(...fig.presets()));
  const told = ({ at, until, head, set, to, slot: row, damage: kind }) => {
    if (kind) return `step ${at}: slot ${row} ${kind === "clear" ? "cleared" : "scrambled"}`;
    const who = heads.options[head]?.text, v = set === "s" ? ["−1", "0", "+1"][to.indexOf(1)] : to;
    return `steps ${at} to ${until - 1}: ${who} ${set === "w" ? "held still" : `${set} = ${v}`}`;
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
    const letters = width() === 6 ? NTM.alphabet : "any";
    const short = `The pattern has ${many}; it needs ${least} or more. Letters: ${letters}.`;
    if (vectors.length < least) return fig.say(short);
    drawn.named(`the pattern, ${many} of ${width()} bits: draw, or type`);
    drawn.pen((pen, w, h) => NTM.heat(pen, w, h, vectors, { map: "bits" }));
    player.begin(name, (of, { reads, writes }) => {
      const named = Array.from({ length: reads + writes }, (_, i) =>
        [i, i < reads ? `read head ${i}` : `write head ${i - reads}`]);
      if (heads.length !== named.length) heads.replaceChildren(...NTM.pick("", named).options);
      fig.shows.changes(changes);
      return make(of, vectors, values);
    }, changes);
  });
};
