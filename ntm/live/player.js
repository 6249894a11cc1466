// A machine at work over time: what comes in and goes out, where its heads are, what they emit, the memory. The hero of the first page is
// one that a word can be typed into. settings: machines, sizes (of a random sequence), text (what is typed; a task that takes it).
"use strict";

// ---- a run: a machine, a sequence, and what the reader does to it ----

// changes: { at, slot, damage: "clear" or "scramble" } before step `at`; { at, until, head, give: { g, s, γ ... } or hold: true }.
NTM.Run = class {
  constructor(machine, sequence, changes = []) {
    Object.assign(this, { machine, sequence, changes, steps: [], T: sequence.x.length });
  }

  step() {
    const t = this.steps.length, override = {};
    let state = t ? this.steps[t - 1].state : this.machine.begin();
    for (const change of this.changes) {
      if (change.damage && change.at === t) state = NTM.damage(state, change);
      if (change.head === undefined || t < change.at || t >= change.until) continue;
      const before = override[change.head];
      override[change.head] = (head, now) => ({ ...before?.(head, now), ...(change.hold ? { w: now.w[change.head] } : change.give) });
    }
    this.steps.push(this.machine.step(state, this.sequence.x[t], override));
  }

  // As many steps as fit into so many milliseconds; true when all are made.
  advance(ms) {
    for (const until = performance.now() + ms; this.steps.length < this.T && performance.now() < until; ) this.step();
    return this.steps.length === this.T;
  }

  score() { return NTM.score(this.steps.map((step) => step.logits), this.sequence); }
};

NTM.damage = (state, { slot, damage, at }) => {
  const random = NTM.random(at, slot);
  return { ...state, M: state.M.map((row, i) => (i !== slot ? row : row.map(() => (damage === "clear" ? 0 : random.normal() / 2)))) };
};

// ---- letters: a character is a vector of 8 bits (its code) or of 6 (its place here); or bits as they are, "01101000 ..." ----

NTM.alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";
NTM.vectors = (text, width) => {
  const words = text.trim().split(/\s+/), codes = [...text].map((c) => (width === 6 ? NTM.alphabet.indexOf(c) : c.charCodeAt(0) & 255));
  if (words.every((word) => RegExp(`^[01]{${width}}$`).test(word))) return words.map((word) => Float64Array.from(word, Number));
  return codes.filter((code) => code >= 0).map((code) => Float64Array.from({ length: width }, (_, j) => (code >> (width - 1 - j)) & 1));
};
NTM.letters = (rows, width, as) => {
  const words = rows.map((row) => Array.from(row.slice(0, width), (v) => Number(v > 0.5)).join(""));
  if (/^[01\s]{6,}$/.test(as)) return words.join(" ");
  return words.map((word) => (width === 6 ? NTM.alphabet[parseInt(word, 2)] : String.fromCharCode(parseInt(word, 2)))).join("");
};

// What a reader can choose of each task: sizes of a random sequence, and how a text becomes a sequence.
NTM.ask = {
  copy: { sizes: { length: [1, 120, 20] }, typed: (task, rows) => task.sequence(rows) },
  repeat_copy: { sizes: { length: [1, 20, 6], repeats: [1, 20, 4] }, typed: (task, rows, { repeats }) => task.sequence(rows, repeats) },
  associative_recall: {
    sizes: { items: [2, 20, 6] }, query: true,
    typed: (task, rows, { query }) => {
      const items = Array.from({ length: Math.floor(rows.length / 3) }, (_, n) => rows.slice(3 * n, 3 * n + 3));
      return task.sequence(items, Math.min(query, items.length - 2));
    },
  },
  priority_sort: {
    sizes: {},
    typed: (task, rows, { seed }) => {
      const random = NTM.random(seed);
      return task.sequence(rows, rows.map(() => 2 * random.uniform() - 1));
    },
  },
  ngrams: { sizes: { length: [20, 200, 200] } },
};
NTM.ask.repeat_copy_marks = NTM.ask.repeat_copy;

// ---- the pictures and the buttons ----

// Names of rows, left of a picture; of many rows the first and the last.
NTM.ticks = (pen, height, names) => {
  pen.fillStyle = NTM.colours.grey;
  pen.textAlign = "right";
  names.forEach((words, i) => pen.fillText(words, 24, Math.min(height - 6, Math.max(6, ((i + 0.5) * height) / names.length))));
};
NTM.ends = (first, rows) => Array.from({ length: rows }, (_, i) => (i === 0 || i === rows - 1 ? first + i : ""));

NTM.Player = class {
  constructor(fig, views) {
    Object.assign(this, { fig, views, playing: false, clock: 0 });
    const heights = { input: 80, target: 64, output: 64, write: 120, read: 120, detail: 84, memory: 264 };
    this.panels = Object.fromEntries(views.map((view) => [view, NTM.panel(view, heights[view])]));
    for (const view of views) {
      if (view !== "memory") this.panels[view].hover((x, y) => this.under(view, x, y)).drag((x) => this.seek(x));
    }
    const from = views.indexOf("write");
    this.side = NTM.el("p", { class: "ntm-side" });
    this.panels.memory.node.classList.add("ntm-memory");
    fig.pictures.append(NTM.el("div", { class: "ntm-run", style: `--rows:${from};--from:${from + 1}` }, ...views.map((view) => this.panels[view].node), this.side));
    this.play = fig.button("play", () => this.start(!this.playing), { "aria-pressed": "false" });
    this.scrub = fig.slider("t", "step", 0, 1, 1, 1e9, (t) => `${Math.min(t, this.run ? this.run.T - 1 : 0)}`);
    this.scrub.classList.add("ntm-wide");
    const move = (by) => () => fig.set({ t: Math.max(0, Math.min(this.run.T - 1, this.t + by)) });
    this.buttons = NTM.el("div", { class: "ntm-buttons" }, this.play, fig.button("‹ step", move(-1), { "aria-label": "one step back" }),
      fig.button("step ›", move(1), { "aria-label": "one step on" }), this.scrub);
    fig.controls.append(this.buttons);
    fig.draw = () => this.draw();
  }

  get t() { return Math.min(this.fig.values.t, this.run.T - 1); }

  // A new run, or the same from some step on.
  begin(run) {
    this.run = run;
    this.scrub.input.max = run.T - 1;
    this.fig.shows.t(this.t);
    this.loop();
  }

  start(playing, from = this.t >= this.run.T - 1 ? 0 : this.t) {
    this.playing = playing;
    this.play.textContent = playing ? "pause" : "play";
    this.play.setAttribute("aria-pressed", playing);
    this.clock = from;
    if (playing) this.loop();
  }

  // Frame after frame while there is something to compute or to play: at most 6 ms of computing in each.
  loop() {
    if (this.looping) return;
    this.looping = true;
    let last = performance.now();
    const frame = (now) => {
      const done = this.run.advance(6);
      if (this.playing) {
        this.clock += (Math.max(now - last, 0) / 1000) * Math.max(12, this.run.T / 12); // never longer than twelve seconds
        this.fig.values.t = Math.min(Math.floor(this.clock), this.run.T - 1, Math.max(this.run.steps.length - 1, 0));
        this.fig.shows.t(this.t);
        if (this.t >= this.run.T - 1) this.start(false);
      }
      last = now;
      this.draw();
      this.looping = this.playing || !done;
      if (this.looping) requestAnimationFrame(frame);
      else this.done?.();
    };
    requestAnimationFrame(frame);
  }

  seek(x) {
    this.start(false);
    const { clientWidth: width } = this.panels[this.views[0]].canvas;
    this.fig.set({ t: Math.max(0, Math.min(this.run.T - 1, Math.floor(((x - 28) / (width - 28)) * this.run.T))) });
  }

  // Which head the pictures show: the reader's choice, of those there are.
  head(kind) {
    const { reads, writes } = this.run.machine, chosen = Number(this.fig.values.head || 0);
    return kind === "read" ? Math.min(chosen, reads - 1) : reads + Math.min(chosen, writes - 1);
  }

  // The rows of a view over time, and how they are drawn; made anew when there are more steps, or the reader wants others.
  view(name) {
    const { detail, head } = this.fig.values, key = [this.run.steps.length, this.slots(), detail, head].join();
    this.views_of = this.views_of?.run === this.run && this.views_of.key === key ? this.views_of : { run: this.run, key };
    return (this.views_of[name] ??= this.rows(name));
  }

  rows(name) {
    const { steps, sequence, machine } = this.run, turned = (rows, n) => Array.from({ length: n }, (_, j) => rows.map((row) => row[j]));
    const outputs = machine.settings.outputs, marked = machine.settings.inputs;
    if (name === "input") return { cells: turned(sequence.x, marked), map: "bits", title: "input", all: true };
    if (name === "target") return { cells: turned(sequence.y, outputs), map: "bits", title: "wanted", all: true };
    if (name === "output") return { cells: turned(steps.map((s, t) => (sequence.mask[t] ? s.y : s.y.map(() => 0))), outputs), map: "bits", title: "output" };
    const i = this.head(name === "write" || (name === "detail" && !this.fig.values.detail.startsWith("read")) ? "write" : "read");
    if (name !== "detail") {
      const [from, to] = this.slots(), many = name === "read" ? machine.reads : machine.writes;
      const title = `where the ${name} head${many > 1 ? ` ${i - (name === "write" ? machine.reads : 0)}` : ""} is`;
      return { cells: turned(steps.map((s) => s.heads[i].w.subarray(from, to + 1)), to - from + 1), map: name, title, first: from };
    }
    const [kind, what] = this.fig.values.detail.split(" "), { width } = machine;
    if (what === "gates") {
      return { cells: turned(steps.map(({ heads: { [i]: { g, s } } }) => [g, ...s]), 1 + machine.sizes.s), map: kind, title: `${kind} head: gate g, then the shifts s`, names: ["g", "−1", "0", "+1"] };
    }
    const words = { k: "key k", e: "erase e", a: "add a" }[what];
    return { cells: turned(steps.map((s) => s.heads[i][what]), width), map: "signed", low: -1, title: `${kind} head: ${words}, a row a column of M` };
  }

  // The slots that some head has been at, for all pictures alike.
  slots() {
    const { steps, machine } = this.run;
    if (this.known !== this.run) Object.assign(this, { known: this.run, seen: 0, from: machine.N - 1, to: 0 });
    for (; this.seen < steps.length; this.seen++) {
      for (const { w } of steps[this.seen].heads) {
        w.forEach((v, i) => {
          if (v < 0.3) return;
          this.from = Math.min(this.from, i);
          this.to = Math.max(this.to, i);
        });
      }
    }
    if (this.from > this.to) return [0, machine.N - 1];
    return [this.from, Math.min(machine.N - 1, Math.max(this.to, this.from + 9))];
  }

  draw() {
    if (!this.run || !this.run.steps.length) return;
    const { steps, T } = this.run, t = Math.min(this.t, steps.length - 1), until = t + 1;
    for (const name of this.views) {
      const panel = this.panels[name];
      if (name === "memory") {
        const [from, to] = this.slots(), M = steps[t].state.M.slice(from, to + 1);
        const high = M.reduce((most, row) => row.reduce((m, v) => Math.max(m, Math.abs(v)), most), 0.5);
        panel.title(`memory after step ${t}`, `memory after step ${t}, slots ${from} to ${to}`);
        panel.pen((pen, width, height) => {
          NTM.heat(pen, M, { x: 28, width: width - 28, height, columns: M[0].length, map: "signed", low: -high, high });
          NTM.ticks(pen, height, NTM.ends(from, M.length));
        });
        continue;
      }
      const view = this.view(name), all = view.all ? T : until;
      panel.title(view.title);
      panel.pen((pen, width, height) => {
        NTM.heat(pen, view.cells, { x: 28, width: width - 28, height, columns: T, map: view.map, low: view.low, until: all });
        NTM.ticks(pen, height, view.names || NTM.ends(view.first || 0, view.cells.length));
        pen.strokeStyle = "#e08214";
        pen.lineWidth = 2;
        pen.strokeRect(28 + (t * (width - 28)) / T, 1, Math.max((width - 28) / T, 2), height - 2);
      });
    }
    this.tell?.(t);
  }

  // The number under the pointer.
  under(name, x, y) {
    if (!this.run) return "";
    const { canvas } = this.panels[name], view = this.view(name), t = Math.floor(((x - 28) / (canvas.clientWidth - 28)) * this.run.T);
    const row = Math.floor((y / canvas.clientHeight) * view.cells.length), value = view.cells[row]?.[t];
    return value === undefined ? "" : `step ${t}, ${view.names ? view.names[row] : `${name === "write" || name === "read" ? "slot" : "channel"} ${row + (view.first || 0)}`}: ${NTM.number(value, 3)}`;
  }

  // The heads' numbers at step t, as words.
  numbers(t) {
    return ["write", "read"].map((kind) => {
      const { w, g, s, β, γ } = this.run.steps[t].heads[this.head(kind)], at = w.indexOf(Math.max(...w));
      const turn = ["−1", "0", "+1"][s.indexOf(Math.max(...s))];
      return `${kind} head on slot ${at} (${NTM.number(w[at])})\nβ ${NTM.number(β, 1)}, g ${NTM.number(g)}, γ ${NTM.number(γ, 1)}\nmoves ${turn} (${NTM.number(Math.max(...s))})`;
    }).join("\n");
  }
};

NTM.called = (name) => name.replace("associative_", "").replace("priority_", "").replace(/_/g, " ").replace("/ntm-", ", ").replace("lstm", "LSTM");
NTM.nth = Object.fromEntries(["first", "second", "third", "fourth"].entries());
NTM.details = {
  "read gates": "read head: gates", "read k": "read head: key", "write gates": "write head: gates", "write k": "write head: key",
  "write e": "write head: erase", "write a": "write head: add",
};

NTM.figures.player = (fig) => {
  const { machines, sizes = {}, hero = false, text } = fig.settings;
  const player = new NTM.Player(fig, hero ? ["input", "write", "read", "memory", "target", "output"] : ["input", "target", "output", "write", "read", "memory", "detail"]);
  fig.says.removeAttribute("role"); // it changes at every step
  fig.keep("seed", 0);
  const inputs = [fig.choice("machine", "machine", Object.fromEntries(machines.map((name) => [name, NTM.called(name)])), machines[0])];
  if (machines.length === 1) inputs.pop();
  const typed = NTM.el("input", { type: "text", maxlength: 40, "aria-label": "what the machine is to copy", oninput: () => fig.set({ text: typed.value }) });
  fig.keep("text", text, (v) => (typed.value = v === undefined ? "" : v));
  const first = machines[0].split("/")[0];
  for (const [size, [low, high, value]] of Object.entries(hero ? {} : NTM.ask[first].sizes)) inputs.push(fig.slider(size, size, low, high, 1, sizes[size] || value));
  if (!hero) inputs.push(fig.choice("detail", "below", NTM.details, "read gates"), fig.choice("head", "head", NTM.nth, "0"));
  const fresh = fig.button("another sequence", () => fig.set({ seed: fig.values.seed + 1 }));
  fig.controls.append(NTM.el("div", { class: "ntm-buttons" }, ...(hero ? [NTM.el("label", { class: "ntm-choice ntm-wide" }, "type something:", typed)] : [...inputs, fresh]), ...fig.presets().children));

  const answer = (t) => NTM.letters(player.run.steps.slice(0, t + 1).filter((_, n) => player.run.sequence.mask[n]).map((s) => s.y), 8, fig.values.text);
  player.tell = (t) => {
    const { bits, wrong, asked } = player.run.score();
    if (hero) fig.say(`It has written: “${answer(t)}”`);
    else fig.say(`The whole sequence: ${NTM.number(bits, 2)} bits, ${wrong} of ${asked} wrong.`);
    if (!hero) player.side.textContent = `step ${t}\n${player.numbers(t)}`;
  };

  // a new run whenever anything but the step has changed
  let made = "";
  fig.before(() => {
    const { t, detail, head, ...rest } = fig.values, key = JSON.stringify(rest), name = rest.machine || machines[0], ask = NTM.ask[name.split("/")[0]];
    if (key === made) return;
    made = key;
    NTM.machine(name).then((machine) => {
      const task = NTM.tasks[name.split("/")[0]](), given = Object.fromEntries(Object.keys(ask.sizes).map((size) => [size, rest[size]]));
      const rows = hero ? NTM.vectors(rest.text || " ", 8) : [];
      player.begin(new NTM.Run(machine, hero ? ask.typed(task, rows) : task.sample(NTM.random(rest.seed), given)));
      if (hero && !matchMedia("(prefers-reduced-motion: reduce)").matches) player.start(true, 0);
    }).catch((error) => fig.say(error.message));
  });
};
