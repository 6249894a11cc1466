// Train a machine in the page: every seed learns in a worker of its own, so that the page stays smooth; here are the choices, the
// curves, and what the heads do. settings: recipes (what the book's machines have beyond the defaults:
// recipes[start][task][controller]), task, controller, start, seed, lanes, small (the few choices of a chapter's figure).
"use strict";
globalThis.NTM = globalThis.NTM || {};
NTM.figures = NTM.figures || {};

// ---- in the worker ----

// A lane: answers messages { begin }, { go }, { rate }, { probe }, { ask }, { save } with what came of them; all times in ms.
NTM.lane = (scope) => {
  const every = 25, most = 50000; // sequences a point of the curve, and of a training
  let trainer, probe, going = false, sum = 0, drawn = 0, pause = 0, points = [];

  const picture = () => {
    const begun = performance.now(), machine = trainer.machine();
    const sequence = trainer.task.sample(NTM.random(probe.seed, 3), probe.sizes), steps = machine.run(sequence.x);
    const last = machine.reads + machine.writes - 1, w = (h) => steps.map(({ heads }) => Float32Array.from(heads[h].w));
    pause = Math.max(300, 4 * (performance.now() - begun));
    drawn = performance.now();
    const y = steps.map((step, t) => Float32Array.from(step.y, (p) => p * sequence.mask[t]));
    return { read: w(0), write: w(last), y, wanted: sequence.y, ...NTM.score(steps.map(({ logits }) => logits), sequence) };
  };
  const post = (more) => scope.postMessage({ seen: trainer.seen, points: points.splice(0), going, ...more });
  const learn = () => {
    if (!going) return;
    for (const until = performance.now() + 50; performance.now() < until && going; ) {
      const cost = trainer.learn();
      sum += cost;
      if (trainer.seen % every === 0) sum = points.push(sum / every) * 0;
      if (!Number.isFinite(cost) || trainer.seen >= most) going = false;
    }
    post(!going || performance.now() - drawn > pause ? { picture: picture() } : {});
    setTimeout(learn);
  };
  const orders = {
    begin({ task, file, ...more }) {
      const made = NTM.tasks[task](), { settings, tensors } = file ? NTM.load(file) : more;
      if (settings.inputs !== made.inputs || settings.outputs !== made.outputs) {
        throw new Error(`this machine has ${settings.inputs} inputs and ${settings.outputs} outputs; ${task} has ${made.inputs} and ${made.outputs}`);
      }
      trainer = new NTM.Trainer({ ...more, task: made, settings: { initial_strength: 0, layers: 1, ...settings }, tensors });
      [sum, points] = [0, []];
    },
    probe(given) { probe = given; },
    go(on) {
      if (on && !going) setTimeout(learn);
      going = on;
    },
    rate(rate) { trainer.rate = rate; },
    ask({ sequences, sizes }) {
      const machine = trainer.machine(), random = NTM.random(probe.seed, 4), costs = [];
      for (let i = 0; i < sequences; i++) {
        const sequence = trainer.task.sample(random, sizes);
        costs.push(NTM.score(machine.run(sequence.x).map(({ logits }) => logits), sequence));
      }
      const mean = (kind) => NTM.sum(costs.map((cost) => cost[kind])) / sequences;
      post({ answer: { sequences, bits: mean("bits"), wrong: mean("wrong"), asked: mean("asked"), perfect: costs.filter(({ wrong }) => !wrong).length } });
    },
    save() { post({ file: trainer.machine().save() }); },
  };
  scope.onmessage = ({ data }) => {
    try {
      for (const [order, given] of Object.entries(data)) orders[order](given);
      post("begin" in data || "probe" in data || data.go === false ? { picture: picture() } : {});
    } catch (error) {
      scope.postMessage({ error: error.message });
    }
  };
};

// A worker made from a Blob: a page opened from disk may load no other. Its script is what NTM holds: functions, in their own words.
NTM.worker = () => {
  const words = (value) => {
    if (typeof value === "function") return /^(async )?\w+\s*\(/.test(String(value)) ? `{${value}}` : `(${value})`;
    if (value === NTM.tasks) return `{${Object.entries(value).map(([name, task]) => `${name}: ${task}`)}}`;
    return typeof value === "number" || value === NTM.kernel ? JSON.stringify(value) : null;
  };
  const parts = Object.entries(NTM).map(([name, value]) => [name, words(value)]).filter(([, text]) => text);
  const source = `"use strict"; globalThis.NTM = {};\n${parts.map(([name, text]) => `NTM.${name} = ${text};`).join("\n")}\nNTM.lane(self);`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  return worker;
};

// ---- in the page ----

NTM.figures.training = (fig) => {
  const { recipes, small } = fig.settings;
  const dashes = [[], [6, 3], [2, 3]], named = { copy: "copy", repeat_copy: "repeat copy", associative_recall: "associative recall", ngrams: "N-grams" };
  // what is asked of each task: the name of the size, its lowest and highest, the highest in training
  const sizes = { copy: ["length", 1, 120, 20], repeat_copy: ["repeats", 1, 20, 10], associative_recall: ["items", 2, 20, 6], ngrams: ["length", 20, 200, 200] };
  let lanes = [], known = "", shown = "";

  // the choices; those of a size follow the book's recipe for the task until they are moved
  const recipe = ({ task, controller, start }) => {
    const { hidden_size = 100, N = 128, read_heads = 1 } = recipes[start][task][controller];
    return { hidden_size, N, read_heads, size: sizes[task][3] };
  };
  const chosen = () => fig.set(recipe(fig.values));
  const inputs = {
    task: fig.choice("task", "task", named, "copy"),
    controller: fig.choice("controller", "controller", { feedforward: "feedforward", lstm: "LSTM" }, "feedforward"),
    start: fig.choice("start", "begins", { tape: "as a tape", bare: "bare" }, "tape"),
    rate: fig.choice("rate", "rate", { "0.00003": "0.00003", "0.0001": "0.0001", "0.0003": "0.0003", "0.001": "0.001" }, "0.0001"),
    lanes: fig.choice("lanes", "seeds", { 1: "one", 2: "two", 3: "three" }, "1"),
  };
  for (const key of ["task", "controller", "start"]) inputs[key].addEventListener("change", chosen);
  const { hidden_size, N, read_heads, size } = recipe(fig.first), whole = (v) => NTM.number(v, 0);
  const sliders = [
    fig.slider("hidden_size", "units", 10, 256, 2, hidden_size), fig.slider("N", "slots N", 16, 256, 8, N), fig.slider("read_heads", "read heads", 1, 4, 1, read_heads),
    fig.slider("seed", "seed", 0, 99, 1, 0, whole),
  ];
  const asked = fig.slider("size", "length", 1, 200, 1, size, whole), words = asked.querySelector("span");
  const go = fig.button("train", () => run(!lanes.some((lane) => lane.going)), { "aria-pressed": "false" });
  const again = fig.button("start again", () => begin());
  const reset = fig.button("reset", () => fig.set(fig.first)), next = fig.button("next seed", () => fig.set({ seed: (Number(fig.values.seed) + Number(fig.values.lanes)) % 100 }));
  const ask = fig.button("ask it ten", () => {
    fig.say("Asking …");
    for (const lane of lanes) lane.tell({ ask: { sequences: 10, sizes: probe().sizes } });
  });
  const other = fig.button("another sequence", () => fig.set({ shown: fig.values.shown + 1 }));
  fig.keep("shown", 0);
  const save = fig.button("save it", () => lanes[0].tell({ save: true }));
  const file = NTM.el("input", { type: "file", accept: ".safetensors", "aria-label": "load a machine", onchange: async () => {
    if (!file.files.length) return;
    const bytes = new Uint8Array(await file.files[0].arrayBuffer());
    file.value = "";
    fig.set({ lanes: "1" });
    begin(bytes);
  } });
  const row = (...inside) => NTM.el("div", { class: "ntm-buttons" }, ...inside);
  const { task, controller, start, rate } = inputs;
  fig.controls.append(row(go, again, next, inputs.lanes, reset), row(task, controller, start, ...(small ? [] : [rate])));
  if (!small) fig.controls.append(NTM.el("div", { class: "ntm-grid", style: "--least:260px" }, ...sliders));
  asked.classList.add("ntm-wide");
  asked.style.gridTemplateColumns = "3.4rem minmax(5rem, 1fr) 2rem";
  fig.controls.append(row(asked, ask, other), ...(small ? [] : [row(save, NTM.el("label", { class: "ntm-choice" }, "load one ", file))]));

  // the pictures: the curves, and of each seed its answer, its write head and its read head
  const curve = NTM.panel("", small ? 150 : 190), rows = NTM.el("div");
  fig.pictures.append(curve.node, rows);

  const probe = () => ({ seed: Number(fig.values.shown), sizes: { [sizes[fig.values.task][0]]: Number(fig.values.size) } });
  const run = (on) => {
    for (const lane of lanes) lane.tell({ go: on });
    fig.say(on ? "It learns." : "Stopped.");
  };

  // New machines, or the one in a file; those before are gone.
  function begin(bytes) {
    const { task, controller, start, rate, lanes: many, hidden_size, N, read_heads, seed } = fig.values;
    const settings = NTM.settings(NTM.tasks[task](), { controller, start, ...recipes[start][task][controller], hidden_size, N, read_heads });
    [known, shown] = [key(), JSON.stringify(probe())];
    for (const { worker } of lanes) worker.terminate();
    lanes = Array.from({ length: bytes ? 1 : Number(many) }, (_, i) => {
      const lane = { seed: Number(seed) + i, worker: NTM.worker(), points: [], seen: 0, going: false, panels: {}, file: bytes };
      for (const kind of ["answer", "write", "read"]) lane.panels[kind] = NTM.panel("", 120);
      lane.node = NTM.el("div", { class: "ntm-grid", style: "--least:190px" }, ...Object.values(lane.panels).map(({ node }) => node));
      lane.tell = (order) => lane.worker.postMessage(order);
      lane.worker.onmessage = ({ data }) => heard(lane, data);
      lane.tell({ probe: probe(), begin: { task, settings, seed: lane.seed, rate: Number(rate), file: bytes } });
      return lane;
    });
    rows.replaceChildren(...lanes.map(({ node }) => node));
    fig.say(bytes ? "A machine from a file." : "Nothing learned yet: press train.");
    fig.redraw();
  }

  function heard(lane, { error, points, seen, going, picture, answer, file: bytes }) {
    if (error) {
      if (lane.file) begin();
      return fig.say(error);
    }
    if (lane.going && !going) fig.say(`Seed ${lane.seed} stopped after ${seen.toLocaleString("en")} sequences.`);
    Object.assign(lane, { seen, going }, picture && { picture }, answer && { answer });
    const before = lane.points.length;
    lane.points.push(...points);
    if (!lane.learned && lane.points.length > before && (lane.learned = lane.points.findIndex((bits) => bits < 1) + 1)) {
      fig.say(`Seed ${lane.seed} is first below 1 bit after ${(25 * lane.learned).toLocaleString("en")} sequences.`);
    }
    if (answer) {
      fig.say(lanes.filter((each) => each.answer).map(({ seed, answer: { bits, wrong, asked, perfect, sequences } }) =>
        `Seed ${seed}: ${NTM.number(bits)} bits, ${NTM.number(wrong, 1)} of ${NTM.number(asked, 0)} bits wrong, ${perfect} of ${sequences} sequences without a mistake.`).join(" "));
    }
    if (bytes) {
      const href = URL.createObjectURL(new Blob([bytes])), { task, controller } = fig.values;
      NTM.el("a", { href, download: `${task}-${controller}-seed-${lane.seed}.safetensors` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 1000);
      fig.say("Saved; in Python, NTM.load reads the file.");
    }
    fig.redraw();
  }

  const key = () => JSON.stringify(["task", "controller", "start", "lanes", "hidden_size", "N", "read_heads", "seed"].map((name) => fig.values[name]));
  fig.draw = () => {
    if (key() !== known) begin();
    if (JSON.stringify(probe()) !== shown) {
      shown = JSON.stringify(probe());
      for (const lane of lanes) lane.tell({ probe: probe() });
    }
    const { task, rate, size } = fig.values, [name, least, most, trained] = sizes[task], on = lanes.some((lane) => lane.going);
    for (const lane of lanes) if (lane.rate !== rate) lane.tell({ rate: Number((lane.rate = rate)) });
    Object.assign(asked.input, { min: least, max: most, value: size });
    asked.input.setAttribute("aria-label", words.textContent = name);
    asked.title = `trained on up to ${trained}`;
    go.textContent = on ? "stop" : lanes.some((lane) => lane.seen) ? "go on" : "train";
    go.setAttribute("aria-pressed", on);
    const tell = ({ seed, seen, points: { length, [length - 1]: bits } }) => `seed ${seed}: ${length ? `${NTM.number(bits)} after ` : ""}${seen.toLocaleString("en")}`;
    curve.title(`bits a sequence, over sequences; ${lanes.map(tell).join("; ")}`);
    curve.pen(drawCurves);
    for (const { panels, picture, seed } of lanes) if (picture) drawLane(panels, picture, lanes.length > 1 ? `seed ${seed}: ` : "");
  };

  function drawCurves(pen, width, height) {
    const left = 34, bottom = height - 18, end = Math.max(1000, ...lanes.map(({ seen }) => 500 * Math.ceil(seen / 500)));
    const x = (n) => left + (n / end) * (width - left - 8), y = (bits) => 8 + ((2.2 - Math.log10(Math.max(bits, 0.01))) / 4.2) * (bottom - 8);
    pen.fillStyle = NTM.colours.grey;
    for (const bits of [0.01, 0.1, 1, 10, 100]) {
      pen.textAlign = "right";
      pen.fillText(bits, left - 5, y(bits));
      pen.fillStyle = "#dddddd";
      pen.fillRect(left, y(bits), width - left - 8, 1);
      pen.fillStyle = NTM.colours.grey;
    }
    for (const [share, align] of [[0, "left"], [0.5, "center"], [1, "right"]]) {
      pen.textAlign = align;
      pen.fillText((share * end).toLocaleString("en"), x(share * end), height - 8);
    }
    pen.strokeStyle = NTM.colours[fig.values.controller];
    pen.lineWidth = 1.6;
    for (const [i, { points }] of lanes.entries()) {
      pen.setLineDash(dashes[i]);
      pen.beginPath();
      points.forEach((bits, n) => pen.lineTo(x(25 * (n + 1)), y(bits)));
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  function drawLane(panels, { read, write, y, wanted, wrong, asked: all }, who) {
    const turned = (rows) => Array.from(rows[0], (_, j) => rows.map((r) => r[j]));
    const cells = { answer: [...turned(wanted), ...turned(y)], write: turned(write), read: turned(read) }, T = y.length;
    panels.answer.title(`${who}${wrong} of ${all} bits wrong`, `${who}what is wanted, and what it answers: ${wrong} of ${all} bits wrong`);
    panels.write.title("where the write head is");
    panels.read.title("where the read head is");
    // the slots that a head has been at
    const been = cells.write.map((r, i) => Math.max(...r, ...cells.read[i]) > 0.3), first = been.indexOf(true);
    const [from, to] = first < 0 ? [0, been.length] : [first, Math.max(been.lastIndexOf(true) + 1, Math.min(first + 10, been.length))];
    for (const kind of ["answer", "write", "read"]) {
      const seen = kind === "answer" ? cells.answer : cells[kind].slice(from, to);
      panels[kind].pen((pen, width, height) => {
        NTM.heat(pen, seen, { x: 26, width: width - 26, height, columns: T, map: kind === "answer" ? "bits" : kind });
        pen.fillStyle = NTM.colours.grey;
        pen.textAlign = "right";
        if (kind !== "answer") {
          pen.fillText(from, 22, 7);
          return pen.fillText(to - 1, 22, height - 7);
        }
        pen.fillRect(26, height / 2, width - 26, 1);
        pen.textAlign = "center";
        for (const [words, at] of [["wanted", 0.25], ["answer", 0.75]]) {
          pen.save();
          pen.translate(14, at * height);
          pen.rotate(-Math.PI / 2);
          pen.fillText(words, 0, 0);
          pen.restore();
        }
      });
    }
  }
  fig.draw();
};
