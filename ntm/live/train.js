// Train a machine in the page: every seed learns in a worker of its own, so that the page stays
// smooth; here are the choices, the curves, and what the heads do. settings: recipes (what the
// book's machines have beyond the defaults: recipes[start][task][controller]), task, controller,
// start, seed, lanes, small (the few choices of a chapter's figure).
"use strict";

// ---- in the worker: orders, and what came of them ----

NTM.every = 25; // sequences a point of the curve
NTM.lane = (scope) => {
  let trainer, name, probe, going = false, sum = 0, drawn = 0, pause = 0, points = [];
  const post = (more) => {
    scope.postMessage({ seen: trainer.seen, points, going, ...more });
    points = [];
  };
  const answer = (machine, random, sizes) => {
    const sequence = NTM.sample(trainer.task, random, sizes), steps = machine.run(sequence.x);
    return { sequence, steps, ...NTM.score(steps.map(({ logits }) => logits), sequence) };
  };
  const picture = () => {
    const begun = performance.now(), machine = trainer.machine();
    const found = answer(machine, NTM.random(probe.seed, 3), probe.sizes);
    const { sequence: { y: wanted, mask }, steps, wrong, asked } = found;
    const w = (h) => steps.map(({ heads }) => heads[h].w);
    drawn = performance.now();
    pause = Math.max(300, 4 * (drawn - begun)); // ms
    const y = steps.map((step, t) => step.y.map((p) => p * mask[t]));
    return { read: w(0), write: w(machine.reads + machine.writes - 1), y, wanted, wrong, asked };
  };
  const learn = () => {
    if (!going) return;
    for (const until = performance.now() + 50; performance.now() < until && going; ) {
      const cost = trainer.learn();
      sum += cost;
      if (trainer.seen % NTM.every === 0) sum = points.push(sum / NTM.every) * 0;
      going = Number.isFinite(cost) && trainer.seen < 50000;
    }
    post(!going || performance.now() - drawn > pause ? { picture: picture() } : {});
    setTimeout(learn);
  };
  const orders = {
    begin({ file, ...given }) {
      const task = NTM.tasks()[(name = given.task)];
      const { settings, tensors } = file ? NTM.load(file) : given;
      const ends = (of) => `${of.inputs} inputs and ${of.outputs} outputs`;
      const [has, takes] = [ends(settings), ends(task)];
      if (has !== takes) NTM.wrong(`this machine has ${has}; ${name} has ${takes}`);
      trainer = new NTM.Trainer({ ...given, task, settings: { layers: 1, ...settings }, tensors });
    },
    probe(given) {
      probe = given;
      trainer.rate = given.rate;
    },
    go(on) {
      if (on && !going) setTimeout(learn);
      going = on;
    },
    ask(sequences) {
      const machine = trainer.machine(), random = NTM.random(probe.seed, 4);
      const all = Array.from({ length: sequences }, () => answer(machine, random, probe.sizes));
      const [bits, wrong, asked] = ["bits", "wrong", "asked"].map((kind, i) =>
        NTM.number(NTM.sum(all.map((one) => one[kind])) / sequences, 2 - i));
      const perfect = `${all.filter((one) => !one.wrong).length} of ${sequences} sequences`;
      post({ told: `Seed ${trainer.seed}: ${bits} bits, ${wrong} of ${asked} bits wrong, `
        + `${perfect} without a mistake.` });
    },
    save() { post({ file: trainer.machine({ task: name }).save() }); },
  };
  scope.onmessage = ({ data }) => {
    try {
      for (const [order, given] of Object.entries(data)) orders[order](given);
      post(data.begin || data.probe || data.go === false ? { picture: picture() } : {});
    } catch (error) { scope.postMessage({ error: error.message }); }
  };
};

// A worker made from a Blob: a page opened from disk may load no other. Its script is what NTM
// holds: functions, in their own words.
NTM.worker = () => {
  const words = (value) => (typeof value === "function" ? String(value)
    : JSON.stringify(typeof value === "object" ? null : value));
  const parts = Object.entries(NTM).map(([name, value]) => `NTM.${name} = ${words(value)};`);
  const source = ['"use strict"; globalThis.NTM = {};', ...parts, "NTM.lane(self);"].join("\n");
  NTM.blob ??= URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  return new Worker(NTM.blob);
};

// ---- in the page ----

NTM.figures.training = (fig) => {
  const { settings: { recipes, small }, values } = fig, { whole } = NTM;
  let lanes = [];
  const tell = (order, words) => {
    if (words) fig.say(words);
    lanes.forEach((lane) => lane.worker.postMessage(order));
  };
  const going = () => lanes.some((lane) => lane.going);

  // the choices; those of a size follow the book's recipe for the task until they are moved
  const named = (task) => task.replaceAll("_", " ").replace("ngrams", "N-grams");
  const of_recipe = [
    fig.choice("task", "task", Object.keys(recipes.tape).map((task) => [task, named(task)])),
    fig.choice("controller", "controller", [["feedforward"], ["lstm", "LSTM"]]),
    fig.choice("start", "begins", [["tape", "as a tape"], ["bare"]]),
  ];
  // what is asked: the task's last size
  const sizes = () => Object.entries(NTM.tasks()[values.task].sizes).at(-1);
  const recipe = () => {
    const { start, task, controller } = values;
    const { hidden_size = 100, N = 128, read_heads = 1 } = recipes[start][task][controller];
    return { hidden_size, N, read_heads, size: sizes()[1][2] };
  };
  for (const input of of_recipe) input.addEventListener("change", () => fig.set(recipe()));
  const rates = [["0.00003"], ["0.0001"], ["0.0003"], ["0.001"]], first = recipe();
  const rate = fig.choice("rate", "rate", rates, "0.0001");
  const many = fig.choice("lanes", "seeds", [["1", "one"], ["2", "two"], ["3", "three"]]);
  const sliders = [
    fig.slider("hidden_size", "units", 10, 256, 2, first.hidden_size),
    fig.slider("N", "slots N", 16, 256, 8, first.N),
    fig.slider("read_heads", "read heads", 1, 4, 1, first.read_heads),
    fig.slider("seed", "seed", 0, 99, 1, 0),
  ];
  const size = fig.slider("size", "length", 1, 200, 1, first.size);
  size.classList.add("ntm-wide", "ntm-size");
  fig.keep("shown", 0);
  // what the workers must know of the choices as they now are
  const probe = () => ({
    seed: values.shown, sizes: { [sizes()[0]]: values.size }, rate: Number(values.rate),
  });
  const train = () => tell({ go: !going() }, going() ? "Stopped." : "It learns.");
  const go = NTM.el("button", { type: "button", onclick: train });
  const ask = NTM.button("ask it ten", () => tell({ ask: 10 }, "Asking …"));
  const next = NTM.button("next seed", () =>
    fig.set({ seed: (values.seed + Number(values.lanes)) % 100 }));
  const other = NTM.button("another sequence", () => fig.set({ shown: values.shown + 1 }));
  const file = NTM.el("input", {
    type: "file", accept: ".safetensors", "aria-label": "load a machine",
    onclick: () => (file.value = ""), // so that the same file may be taken again
    async onchange() {
      if (!file.files.length) return;
      const bytes = await file.files[0].arrayBuffer();
      fig.set({ lanes: "1" });
      fig.draw();
      begin(values, bytes);
    },
  });
  const save = NTM.button("save it", () => lanes[0].worker.postMessage({ save: true }));
  const again = NTM.button("start again", () => begin(values));
  const rare = (...inside) => (small ? [] : inside);
  fig.controls.append(NTM.row(go, again, next, many, ...fig.presets()),
    NTM.row(...of_recipe, ...rare(rate)), ...rare(NTM.grid(260, ...sliders)),
    NTM.row(size, ask, other), ...rare(NTM.row(save, NTM.label("load one ", file))));

  // the pictures: the curves, and of each seed its answer, its write head and its read head
  const curve = NTM.panel("", small ? 150 : 190), rows = NTM.el("div");
  fig.pictures.append(curve, rows);

  // New machines, or the one in a file; those before are gone.
  function begin({ task, controller, start, lanes: many, seed, ...sizes }, data) {
    const { hidden_size, N, read_heads } = sizes, recipe = recipes[start][task][controller];
    const given = { controller, start, ...recipe, hidden_size, N, read_heads };
    const settings = NTM.settings(NTM.tasks()[task], given);
    for (const { worker } of lanes) worker.terminate();
    lanes = Array.from({ length: Number(many) }, (_, i) => {
      const panels = [1, 2, 3].map(() => NTM.panel("", 120)), worker = NTM.worker();
      const lane = { seed: seed + i, worker, panels, file: data, points: [], seen: 0 };
      worker.onmessage = ({ data }) => heard(lane, data);
      worker.postMessage({ begin: { task, settings, seed: seed + i, file: data }, probe: probe() });
      return lane;
    });
    rows.replaceChildren(...lanes.map(({ panels }) => NTM.grid(190, ...panels)));
    fig.say(data ? "A machine from a file." : "Nothing learned yet: press train.");
    fig.redraw();
  }

  function heard(lane, { error, points, file: bytes, ...news }) {
    if (error && lane.file) begin(values);
    if (error) return fig.say(error);
    const { seed } = lane, { seen, told } = news, stopped = lane.going && !news.going;
    if (stopped) fig.say(`Seed ${seed} stopped after ${whole(seen)} sequences.`);
    Object.assign(lane, news);
    lane.points.push(...points);
    const below = lane.points.findIndex((bits) => bits < 1) + 1; // of the first point, or none
    if (below > lane.points.length - points.length) {
      fig.say(`Seed ${seed} is first below 1 bit after ${whole(NTM.every * below)} sequences.`);
    }
    if (told) fig.say(lanes.flatMap((each) => each.told || []).join(" "));
    if (bytes) {
      const href = URL.createObjectURL(new Blob([bytes])), { task, controller } = values;
      NTM.el("a", { href, download: `${task}-${controller}-seed-${seed}.safetensors` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 1000);
      fig.say("Saved; in Python, NTM.load reads the file.");
    }
    fig.redraw();
  }

  fig.draw = () => {
    const [name, [min, max, trained]] = sizes();
    Object.assign(size.input, { min, max, value: values.size });
    size.input.setAttribute("aria-label", (size.querySelector("span").textContent = name));
    size.title = `trained on up to ${trained}`;
    go.textContent = going() ? "stop" : lanes.some((lane) => lane.seen) ? "go on" : "train";
    go.setAttribute("aria-pressed", going());
    const told = lanes.map(({ seed, seen, points }) =>
      `seed ${seed}: ${points.length ? `${NTM.number(points.at(-1))} after ` : ""}${whole(seen)}`);
    curve.named(`bits a sequence, over sequences; ${told.join("; ")}`);
    curve.pen((...canvas) => NTM.curves(...canvas, lanes, NTM.colours[values.controller]));
    for (const { panels, picture, seed } of lanes) {
      if (picture) NTM.draw_lane(panels, picture, lanes.length > 1 ? `seed ${seed}: ` : "");
    }
  };
  fig.before([], () => tell({ probe: probe() }));
  fig.before(["rate", "size", "shown"], (now) => begin(now));
};

// The cost of every lane over the sequences that it has seen, on a logarithmic axis.
NTM.curves = (pen, width, height, lanes, colour) => {
  const left = 34, right = width - 8, bottom = height - 18, seen = lanes.map((lane) => lane.seen);
  const end = Math.max(1000, 500 * Math.ceil(Math.max(...seen) / 500));
  const x = (n) => left + (n / end) * (right - left);
  const y = (bits) => 8 + ((2.2 - Math.log10(Math.max(bits, 0.01))) / 4.2) * (bottom - 8);
  for (const bits of [0.01, 0.1, 1, 10, 100]) {
    NTM.text(pen, bits, left - 5, y(bits), "right");
    NTM.line(pen, [[left, y(bits)], [right, y(bits)]], NTM.colours.pale);
  }
  for (const [n, align] of [[0, "left"], [end / 2, "center"], [end, "right"]]) {
    NTM.text(pen, NTM.whole(n), x(n), height - 8, align);
  }
  lanes.forEach(({ points }, i) => {
    const line = points.map((bits, n) => [x(NTM.every * (n + 1)), y(bits)]);
    NTM.line(pen, line, colour, 1.6, [[], [6, 3], [2, 3]][i]);
  });
};

NTM.draw_lane = ([answer, ...heads], { read, write, y, wanted, wrong, asked }, who) => {
  const told = `${wrong} of ${asked} bits wrong`, [first, last] = NTM.reached([...read, ...write]);
  const both = wanted.map((row, t) => [...row, ...y[t]]), title = `${who}${told}`;
  const words = `${who}what is wanted, and what it answers: ${told}`;
  NTM.timeline(answer, both, { map: "bits", names: ["wanted", "answer"], x: 50, title, words });
  for (const [i, [map, w]] of Object.entries({ write, read }).entries()) {
    const columns = w.map((row) => row.subarray(first, last + 1));
    NTM.timeline(heads[i], columns, { map, first, title: `where the ${map} head is` });
  }
};
