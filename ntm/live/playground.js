// The playground: give a shipped machine a pattern of your own, then interfere. A change holds from the step that is shown: a head's g, s
// or γ overridden, a head held still, a row of the memory cleared or scrambled. settings: machines.
"use strict";

NTM.examples = {
  copy: "A memory, and two heads that move.", repeat_copy: "Encore", repeat_copy_marks: "Encore", associative_recall: "catdogcowpigant", priority_sort: "the quick brown fox.",
};
NTM.tools = {
  hold: ["hold it still", 0, 0, 1], g: ["gate g =", 0, 1, 0.01], s: ["move by", -1, 1, 1], γ: ["sharpening γ =", 1, 30, 0.5], β: ["strength β =", 0, 30, 0.5],
};

NTM.figures.playground = (fig) => {
  const { machines } = fig.settings, task_of = (name) => name.split("/")[0], able = machines.filter((name) => NTM.ask[task_of(name)].typed);
  const words = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

  // what goes in: a text, bits drawn with the pointer, or random ones
  const typed = NTM.el("input", { type: "text", maxlength: 1200, "aria-label": "the pattern: letters, or words of bits", oninput: () => give(typed.value) });
  const drawn = NTM.panel("the pattern: draw, or type", 96);
  fig.keep("text", NTM.examples.copy, (v) => (typed.value = v));
  fig.keep("seed", 1);
  const give = (text) => fig.set({ text, t: 1e9 }); // to the end
  const machine = fig.choice("machine", "machine", Object.fromEntries(able.map((name) => [name, NTM.called(name)])), able.includes("copy/ntm-lstm") ? "copy/ntm-lstm" : able[0]);
  machine.addEventListener("change", () => fig.set({ text: NTM.examples[task()], changes: [], t: 1e9 }));
  const repeats = fig.slider("repeats", "repeats", 1, 20, 1, 3), query = fig.slider("query", "ask for item", 0, 18, 1, 1);
  const length = fig.slider("length", "vectors", 1, 120, 1, 20), lot = fig.button("random bits", () => random());
  fig.pictures.append(NTM.el("div", { class: "ntm-buttons" }, machine, NTM.el("label", { class: "ntm-choice ntm-wide" }, "pattern", typed)),
    drawn.node, NTM.el("div", { class: "ntm-buttons" }, length, lot, repeats, query));
  const task = () => task_of(fig.values.machine), width = () => ("copy priority_sort".includes(task()) ? 8 : 6), rows = () => NTM.vectors(fig.values.text, width());
  const random = () => {
    const seed = fig.values.seed + 1, bits = NTM.random(seed).bits(fig.values.length, width());
    fig.set({ seed, text: bits.map((row) => row.join("")).join(" "), t: 1e9 });
  };
  let paint = 1;
  drawn.drag((x, y, down) => {
    const bits = rows(), i = Math.floor((x / drawn.canvas.clientWidth) * bits.length), j = Math.floor((y / drawn.canvas.clientHeight) * width());
    if (bits[i]?.[j] === undefined) return;
    if (down) paint = 1 - bits[i][j];
    bits[i][j] = paint;
    give(bits.map((row) => row.join("")).join(" "));
  });

  const player = new NTM.Player(fig, ["input", "target", "output", "write", "read", "memory", "detail"]);
  fig.controls.append(NTM.el("div", { class: "ntm-buttons" }, fig.choice("detail", "below", NTM.details, "write gates"),
    fig.choice("head", "head", NTM.nth, "0")));

  // the changes
  const heads = NTM.el("select", { "aria-label": "which head" }), slot = NTM.el("input", { type: "number", min: 0, max: 127, value: 5, "aria-label": "slot" });
  const tool = NTM.el("select", { "aria-label": "what to do to it", onchange: () => fit() }, ...Object.entries(NTM.tools).map(([key, [label]]) => NTM.el("option", { value: key }, label)));
  const value = NTM.el("input", { type: "number", "aria-label": "its value" }), lasting = NTM.el("input", { type: "number", min: 1, max: 500, value: 3, "aria-label": "for how many steps" });
  const fit = () => {
    const [, low, high, step] = NTM.tools[tool.value];
    Object.assign(value, { min: low, max: high, step, value: tool.value === "s" ? 0 : low, hidden: tool.value === "hold" });
  };
  fit();
  const change = (what) => fig.set({ changes: [...fig.values.changes, { at: player.t, ...what }] });
  const apply = () => {
    const kind = tool.value, v = Number(value.value), head = Number(heads.value), until = player.t + Number(lasting.value);
    const [, low, high] = NTM.tools[kind];
    if (kind !== "hold" && !(v >= low && v <= high)) return fig.say(`${NTM.tools[kind][0]} ${v}: it must be from ${low} to ${high}`);
    change(kind === "hold" ? { head, until, hold: true } : { head, until, give: { [kind]: kind === "s" ? [-1, 0, 1].map((o) => Number(o === v)) : v } });
  };
  const damage = (kind) => () => change({ slot: Math.max(0, Math.min(127, Number(slot.value))), damage: kind });
  const list = NTM.el("div", { class: "ntm-buttons" });
  const label = (text, ...inside) => NTM.el("label", { class: "ntm-choice" }, text, ...inside);
  fig.controls.append(NTM.el("fieldset", { class: "ntm-tools" }, NTM.el("legend", {}, "Interfere, from the step that is shown"),
    NTM.el("div", { class: "ntm-buttons" }, heads, tool, value, label("for", lasting, "steps"), fig.button("do it", apply)),
    NTM.el("div", { class: "ntm-buttons" }, label("slot", slot), fig.button("clear this row", damage("clear")), fig.button("scramble this row", damage("scramble"))), list), fig.presets());
  const told = ({ at, until, head, slot: row, damage: kind, hold, give: given }) => {
    if (kind) return `step ${at}: slot ${row} ${kind === "clear" ? "cleared" : "scrambled"}`;
    const [[key, v]] = Object.entries(given || { hold });
    return `steps ${at} to ${until - 1}: ${heads.options[head]?.text || `head ${head}`} ${hold ? "held still" : `${key} = ${key === "s" ? ["−1", "0", "+1"][v.indexOf(1)] : v}`}`;
  };
  fig.keep("changes", [], (changes) => list.replaceChildren(...changes.map((each, i) => fig.button(`✕ ${told(each)}`,
    () => fig.set({ changes: changes.filter((_, j) => j !== i) }), { "aria-label": `undo: ${told(each)}` }))));

  const letters = (of) => NTM.letters(player.run.sequence.mask.reduce((all, m, t) => (m && of(t) ? [...all, of(t)] : all), []), width(), fig.values.text);
  player.done = () => {
    const { steps, sequence } = player.run, { wrong, asked } = player.run.score(), short = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
    const rows_asked = NTM.sum(sequence.mask);
    fig.say(`Wanted: “${short(letters((t) => sequence.y[t]))}”. Written: “${short(letters((t) => steps[t].y))}”. ${wrong ? `${wrong} of ${asked} bits wrong` : `All ${asked} bits right`} in ${words(rows_asked, "vector")}.`);
    fig.box.dataset.wrong = wrong;
  };
  player.tell = (t) => (player.side.textContent = `step ${t}\n${player.numbers(t)}`);

  let made = "";
  fig.before(() => {
    const { machine: name, text, changes, repeats: n, query: q, seed } = fig.values, key = JSON.stringify([name, text, changes, n, q, seed]), ask = NTM.ask[task()];
    if (key === made) return;
    made = key;
    repeats.hidden = !task().startsWith("repeat_copy");
    query.hidden = task() !== "associative_recall";
    NTM.machine(name).then((loaded) => {
      const bits = rows().slice(0, 120), least = { associative_recall: 6 }[task()] || 1;
      if (bits.length < least) return fig.say(`The pattern has ${words(bits.length, "vector")}; ${task() === "copy" ? "it needs one" : `at least ${least} are wanted`}. Letters that fit: ${width() === 6 ? NTM.alphabet : "any"}.`);
      const names = [...Array.from({ length: loaded.reads }, (_, i) => `read head ${i}`), ...Array.from({ length: loaded.writes }, (_, i) => `write head ${i}`)];
      if (heads.options.length !== names.length) heads.replaceChildren(...names.map((head, i) => NTM.el("option", { value: i }, head)));
      fig.shows.changes(changes);
      drawn.title(`the pattern, ${words(bits.length, "vector")} of ${width()} bits: draw, or type`);
      drawn.pen((pen, w, height) => NTM.heat(pen, Array.from({ length: width() }, (_, j) => bits.map((row) => row[j])), { width: w, height, columns: bits.length, map: "bits" }));
      player.begin(new NTM.Run(loaded, ask.typed(NTM.tasks[task()](), bits, { repeats: n, query: q, seed }), changes));
    }).catch((error) => fig.say(error.message));
  });
};
