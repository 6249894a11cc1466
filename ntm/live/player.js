// A machine at work over time: what comes in and goes out, where its heads are, what they emit, the
// memory. The hero of the first page is one that a word can be typed into. settings: machines,
// sizes and seed (of a random sequence); or hero, and the text that is typed.
"use strict";

// A run: a machine, a sequence, and what the reader does to it, changes: { at, slot, damage:
// "clear" or "scramble" } before step `at`; from step `at` until `until` { head, set: "g" (or s, γ,
// β), to: its value }, or { head, set: "w" }, which holds it still.
NTM.Run = class {
  constructor(machine, sequence, changes = []) {
    Object.assign(this, { machine, sequence, changes, steps: [], T: sequence.x.length });
  }
  step() {
    const t = this.steps.length, override = {};
    let state = t ? this.steps[t - 1].state : this.machine.begin();
    for (const { at, until, slot, damage, head, set, to } of this.changes) {
      if (damage && at === t) state = NTM.damage(state, slot, damage, at);
      const now = head !== undefined && t >= at && t < until;
      if (now) override[head] = { ...override[head], [set]: to ?? state.w[head] };
    }
    this.steps.push(this.machine.step(state, this.sequence.x[t], override));
  }
  get done() { return this.steps.length === this.T; }
  // As many steps as fit into so many milliseconds.
  advance(ms) {
    const until = performance.now() + ms;
    while (!this.done && performance.now() < until) this.step();
  }
  slots() { return NTM.reached(this.steps.flatMap(({ state }) => state.w)); }
  score() { return NTM.score(this.steps.map(({ logits }) => logits), this.sequence); }
  // The scored rows as letters: of the targets, or of what was answered up to step t.
  wanted(as) { return this.letters(this.sequence.y, as); }
  written(as, t = this.T) { return this.letters(this.steps.slice(0, t + 1).map(({ y }) => y), as); }
  letters(rows, as) { return NTM.letters(rows.filter((_, t) => this.sequence.mask[t]), as); }
};

NTM.damage = (state, slot, damage, at) => {
  const random = NTM.random(at, slot), other = () => (damage === "clear" ? 0 : random.normal() / 2);
  return { ...state, M: state.M.map((row, i) => (i === slot ? row.map(other) : row)) };
};

// A letter is a vector of 8 bits (its code) or of 6 (its place here); or bits are given as they
// are, "01101000 ...".
NTM.alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";
NTM.vectors = (text, width) => {
  const words = text.trim().split(/\s+/), bits = RegExp(`^[01]{${width}}$`);
  if (words.every((word) => bits.test(word))) return words.map((word) => Float64Array.from(word));
  const code = (c) => (width === 6 ? NTM.alphabet.indexOf(c) : c.charCodeAt(0) & 255);
  const vector = (n) => Float64Array.from(n.toString(2).padStart(width, 0));
  return [...text].map(code).filter((n) => n >= 0).map(vector);
};
// as: what was typed, letters or bits; of rows of 7 the last is the end marker
NTM.letters = (rows, as) => rows.map((row) => {
  const bits = Array.from(row.slice(0, row.length === 8 ? 8 : 6), (v) => Number(v > 0.5));
  if (/^[01\s]{6,}$/.test(as)) return `${bits.join("")} `;
  const code = parseInt(bits.join(""), 2);
  return bits.length === 6 ? NTM.alphabet[code] : String.fromCharCode(code);
}).join("").trimEnd();

NTM.details = {
  "read gates": "read head: gates", "read k": "read head: key", "write gates": "write head: gates",
  "write k": "write head: key", "write e": "write head: erase", "write a": "write head: add",
};

NTM.tall = { input: 80, wanted: 64, output: 64, write: 120, read: 120, memory: 264, detail: 84 };

NTM.Player = class {
  constructor(fig, hero = false) {
    Object.assign(this, { fig, playing: false, clock: 0, panels: {} });
    const names = hero ? ["input", "write", "read", "memory", "wanted", "output"]
      : ["input", "wanted", "output", "write", "read", "memory", "detail"];
    for (const name of names) this.panels[name] = NTM.panel(name, NTM.tall[name]);
    const { memory, ...over_time } = this.panels;
    for (const [name, panel] of Object.entries(over_time)) {
      panel.hover((x, y, w, h) => (this.run ? this.under(name, this.at(x, w), y / h) : ""));
      panel.drag((x, y, width) => this.go(this.at(x, width)));
    }
    memory.classList.add("ntm-memory");
    this.side = NTM.el("p", { class: "ntm-side" });
    const run = NTM.div("run", ...Object.values(this.panels), this.side);
    run.style.setProperty("--rows", names.indexOf("write")); // what is above the memory
    fig.pictures.append(run);
    this.play = NTM.el("button", { type: "button", onclick: () => this.start(!this.playing) });
    this.scrub = fig.slider("t", "step", 0, 1, 1, 1e9, { words: () => `${this.t}` });
    this.scrub.classList.add("ntm-wide");
    const steps = NTM.steps((by) => this.go(this.t + by));
    fig.controls.append(NTM.row(this.play, ...steps, this.scrub));
    fig.draw = () => this.draw();
    this.start(false);
  }
  get T() { return this.run?.T || 1; }
  get t() { return Math.min(this.fig.values.t, this.T - 1); }
  go(t) {
    this.start(false);
    this.fig.set({ t: NTM.between(t, 0, this.T - 1) });
  }
  // What the reader may look at besides.
  choices() {
    const nth = [["0", "first"], ["1", "second"], ["2", "third"], ["3", "fourth"]];
    const details = Object.entries(NTM.details);
    return [this.fig.choice("detail", "below", details), this.fig.choice("head", "head", nth)];
  }
  // A new run of a shipped machine, on the sequence that make(task, machine) gives.
  async begin(name, make, changes) {
    const asked = (this.asked = {}); // of two that are loading, the one asked for last is shown
    try {
      const machine = await NTM.machine(name);
      if (this.asked !== asked) return;
      this.run = new NTM.Run(machine, make(NTM.tasks()[NTM.task_of(name)], machine), changes);
      this.scrub.input.max = this.T - 1;
      this.fig.shows.t(this.t);
      this.loop();
    } catch (error) { this.fig.say(error.message); }
  }
  start(playing, from = this.t >= this.T - 1 ? 0 : this.t) {
    Object.assign(this, { playing, clock: from });
    this.play.textContent = playing ? "pause" : "play";
    this.play.setAttribute("aria-pressed", playing);
    if (playing) this.loop();
  }
  // Frame after frame while there is something to play, or to compute: of that at most 6 ms a
  // frame, in a task of its own.
  async loop() {
    if (this.looping || !this.run) return;
    this.looping = true;
    for (let last = performance.now(); this.playing || !this.run.done; this.draw()) {
      await NTM.pause();
      this.run.advance(6);
      const now = await new Promise(requestAnimationFrame), { T, run: { steps } } = this;
      if (this.playing) {
        this.clock += (Math.max(now - last, 0) / 1000) * Math.max(12, T / 12); // at most 12 seconds
        this.fig.values.t = NTM.between(Math.floor(this.clock), 0, Math.min(T, steps.length) - 1);
        this.fig.shows.t(this.t);
        if (this.t >= T - 1) this.start(false);
      }
      last = now;
    }
    this.looping = false;
    this.done?.();
  }
  // Which head the pictures show: the reader's choice, of those there are.
  head(kind) {
    const { reads, writes } = this.run.machine, chosen = Number(this.fig.values.head || 0);
    return kind === "read" ? Math.min(chosen, reads - 1) : reads + Math.min(chosen, writes - 1);
  }
  // What a picture shows of the run, up to step t: its title, a column a step, how they are drawn.
  look(name, t) {
    const { sequence: { x, y, mask }, machine: { reads, writes } } = this.run;
    const steps = this.run.steps.slice(0, t + 1);
    const output = steps.map((step, now) => (mask[now] ? step.y : y[0].map(() => 0)));
    const columns = { input: x, wanted: y, output }[name];
    if (columns) return { title: name, columns, map: "bits" };
    const [kind, what] = name === "detail" ? this.fig.values.detail.split(" ") : [name, "w"];
    const i = this.head(kind), heads = steps.map((step) => step.heads[i]);
    if (what === "w") {
      const [many, n] = kind === "read" ? [reads, i] : [writes, i - reads];
      const title = `where the ${kind} head${many > 1 ? ` ${n}` : ""} is`;
      const [first, last] = this.run.slots();
      return { title, columns: heads.map(({ w }) => w.slice(first, last + 1)), map: kind, first };
    }
    if (what === "gates") {
      const title = `${kind} head: gate g, then the shifts s`, names = ["g", "−1", "0", "+1"];
      return { title, columns: heads.map(({ g, s }) => [g, ...s]), map: kind, names };
    }
    const title = `${NTM.details[`${kind} ${what}`]} ${what}, a row a column of M`;
    return { title, columns: heads.map((head) => head[what]), map: "signed", low: -1 };
  }
  draw() {
    if (!this.run?.steps.length) return;
    const { steps, T } = this.run, t = Math.min(this.t, steps.length - 1);
    const { memory, ...over_time } = this.panels;
    for (const [name, panel] of Object.entries(over_time)) {
      const { columns, ...look } = this.look(name, t);
      NTM.timeline(panel, columns, { all: T, now: t, ...look });
    }
    const [first, last] = this.run.slots(), M = steps[t].state.M.slice(first, last + 1);
    const high = M.reduce((most, row) => row.reduce((m, v) => Math.max(m, Math.abs(v)), most), 0.5);
    const title = `memory after step ${t}`, words = `${title}, slots ${first} to ${last}`;
    NTM.timeline(memory, NTM.turned(M), { map: "signed", low: -high, high, first, title, words });
    this.tell?.(t);
  }
  // The step at x; and in words the number of step t that stands at a share of a picture's height.
  at(x, width) { return Math.floor(((x - NTM.gutter) / (width - NTM.gutter)) * this.T); }
  under(name, t, share) {
    const { columns, names, first = 0 } = this.look(name, this.t);
    const row = Math.floor(share * columns[0].length), value = columns[t]?.[row];
    const what = names ? names[row] : `${name in NTM.maps ? "slot" : "channel"} ${row + first}`;
    return value === undefined ? "" : `step ${t}, ${what}: ${NTM.number(value, 3)}`;
  }
  // The heads' numbers at step t, beside the pictures.
  numbers(t) {
    const told = ["write", "read"].map((kind) => {
      const { w, g, s, β, γ } = this.run.steps[t].heads[this.head(kind)];
      const at = NTM.most(w), to = NTM.most(s);
      return `${kind} head on slot ${at} (${NTM.number(w[at])})
β ${NTM.number(β, 1)}, g ${NTM.number(g)}, γ ${NTM.number(γ, 1)}
moves ${["−1", "0", "+1"][to]} (${NTM.number(s[to])})`;
    });
    this.side.textContent = [`step ${t}`, ...told].join("\n");
  }
};

NTM.task_of = (machine) => machine.split("/")[0];
// A choice of machines: "repeat_copy/ntm-lstm" is called "repeat copy, LSTM".
NTM.machines = (fig, names) => {
  const called = (name) => name.replace(/associative_|priority_/, "").replaceAll("_", " ")
    .replace(/\/(ntm-)?/, ", ").replace("lstm", "LSTM");
  return fig.choice("machine", "machine", names.map((name) => [name, called(name)]));
};

NTM.figures.player = (fig) => {
  const { machines, sizes = {}, hero } = fig.settings, player = new NTM.Player(fig, hero);
  const machine = NTM.machines(fig, machines), inputs = machines.length > 1 ? [machine] : [];
  fig.says.removeAttribute("role"); // it changes at every step
  if (hero) {
    const words = "what the machine is to copy", look = { type: "text", maxlength: 40 };
    inputs.push(NTM.label("type something:", fig.text("text", words, "", look)));
  } else {
    fig.keep("seed", 0);
    const most = NTM.tasks()[NTM.task_of(machines[0])].sizes;
    const slider = ([size, [low, high, value]]) =>
      fig.slider(size, size, low, high, 1, sizes[size] || value);
    const other = NTM.button("another sequence", () => fig.set({ seed: fig.values.seed + 1 }));
    inputs.push(...Object.entries(most).map(slider), ...player.choices(), other);
  }
  fig.controls.append(NTM.row(...inputs, ...fig.presets()));

  player.tell = (t) => {
    if (hero) return fig.say(`It has written: “${player.run.written(fig.values.text, t)}”`);
    const { run } = player, { bits, wrong, asked } = run.score();
    const known = run.done ? "The whole sequence" : "So far";
    fig.say(`${known}: ${NTM.number(bits)} bits, ${wrong} of ${asked} wrong.`);
    player.numbers(t);
  };
  fig.before(["t", "detail", "head"], async ({ machine: name, text, seed, ...asked }) => {
    await player.begin(name, (task) => (hero ? task.sequence(NTM.vectors(text || " ", 8))
      : NTM.sample(task, NTM.random(seed), asked)));
    if (hero && !matchMedia("(prefers-reduced-motion: reduce)").matches) player.start(true, 0);
  });
};
