// The page's JavaScript against golden vectors from torch in float64 (golden.py), in node. test_live.py starts it, with the
// folder of the vectors in GOLDEN, and in LIVE, where it is not ntm/live, that of the scripts.
"use strict";
const test = require("node:test"), assert = require("node:assert"), fs = require("node:fs"), path = require("node:path");
const live = process.env.LIVE || path.join(__dirname, "../../ntm/live");
for (const name of ["equations", "machine", "tasks", "kernel", "training"]) require(path.join(live, name + ".js"));
const NTM = globalThis.NTM;
const golden = (name) => JSON.parse(fs.readFileSync(path.join(process.env.GOLDEN, name + ".json"), "utf-8"));

// The largest distance between two nested lists of numbers of the same shape.
function distance(found, expected) {
  if (typeof expected === "number") {
    assert.equal(typeof found, "number");
    assert.ok(Number.isFinite(found), `${found} is not finite`);
    return Math.abs(found - expected);
  }
  assert.equal(found.length, expected.length);
  return expected.reduce((most, value, i) => Math.max(most, distance(found[i], value)), 0);
}
const near = (name, found, expected, most) => {
  const d = distance(found, expected);
  assert.ok(d <= most, `${name} is ${d} away, more than ${most}`);
};
const load = (file) => NTM.load(new Uint8Array(fs.readFileSync(file)));
const row = (x) => (Array.isArray(x) && Array.isArray(x[0]) ? x.map(row) : Array.isArray(x) ? Float64Array.from(x) : x);

test("equations (2) to (9), erase and add are torch's to 1e-10", () => {
  const cases = golden("equations");
  assert.ok(cases.length >= 10);
  for (const { given, found } of cases) {
    const { M, w_prev, e, a, ...head } = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, row(value)]));
    const stages = NTM.address(M, head, w_prev);
    for (const name of ["w_c", "w_g", "w_s", "w"]) {
      near(name, stages[name], found[name][0], 1e-10);
      near(`the sum of ${name}`, NTM.sum(stages[name]), 1, 1e-12);
    }
    near("r", NTM.read(M, stages.w), found.r[0], 1e-10);
    const erased = NTM.erase(M, stages.w, e);
    near("erased", erased, found.erased, 1e-10);
    near("added", NTM.add(erased, stages.w, a), found.added, 1e-10);
  }
});

for (const { file, x, logits, steps, M } of golden("sequences")) {
  test(`a whole sequence of ${path.relative(path.join(__dirname, "../.."), file)} is torch's to 1e-10`, () => {
    const machine = load(file), found = machine.run(x);
    for (const [t, { heads, logits: z }] of found.entries()) {
      near(`the logits of step ${t}`, z, logits[t], 1e-10);
      for (const [h, head] of heads.entries()) {
        for (const name of ["k", "β", "g", "s", "γ", "w"]) near(`${name} of head ${h} at step ${t}`, head[name], steps[t][name][h], 1e-10);
        if (head.kind === "write") {
          for (const name of ["e", "a"]) near(`${name} of head ${h}`, head[name], steps[t][name][h - machine.reads], 1e-10);
        }
      }
    }
    near("the last memory", found[found.length - 1].state.M, M, 1e-10);
  });
}

test("sequences of every task are those of ntm.tasks", () => {
  const cases = golden("batches");
  assert.equal(new Set(cases.map(({ task }) => task)).size, Object.keys(NTM.tasks()).length);
  for (const { task, given, x, y, mask } of cases) {
    const made = NTM.tasks()[task], found = made.sequence(...row(given).map((v) => (v instanceof Float64Array ? [...v] : v)));
    assert.deepEqual([made.inputs, made.outputs], [x[0].length, y[0].length]);
    near(`x of ${task}`, found.x, x, 1e-6);
    near(`y of ${task}`, found.y, y, 0);
    near(`the mask of ${task}`, found.mask, mask, 0);
  }
});

// The largest distance, as a share of the largest number of a tensor.
const share = (found, expected) => distance([...found], expected) / Math.max(...expected.map(Math.abs), 1e-6);

for (const [i, { file, task, rate, clip, costs, sequences, gradients, weights }] of golden("trainings").entries()) {
  test(`gradients and 100 updates of training ${i} (${task}) are torch's to 1e-4`, () => {
    const { settings, tensors } = load(file);
    const trainer = new NTM.Trainer({ task: NTM.tasks()[task], settings, tensors, rate: 0, clip: 1e9 });
    trainer.update(sequences[0]);
    assert.deepEqual(Object.keys(trainer.tensors(1)).sort(), Object.keys(gradients).sort());
    for (const [name, { data }] of Object.entries(trainer.tensors(1))) {
      const d = share(data, gradients[name]);
      assert.ok(d < 1e-4, `the gradient of ${name} is ${d} of its size away`);
    }
    const again = new NTM.Trainer({ task: NTM.tasks()[task], settings, tensors, rate, clip });
    for (const [n, sequence] of sequences.entries()) {
      const cost = again.update(sequence), away = Math.abs(cost / costs[n] - 1);
      assert.ok(away < 1e-4, `the cost of update ${n} is ${cost}, torch's ${costs[n]}`);
    }
    for (const [name, { data }] of Object.entries(again.tensors())) {
      if (!weights[name]) continue;
      const d = distance([...data], weights[name]);
      assert.ok(d < 1e-4, `${name} is ${d} away after 100 updates`);
    }
  });
}

test("float16 and int8 weights are read as what they stand for", () => {
  const file = (header, numbers) => {
    const text = new TextEncoder().encode(JSON.stringify(header)), bytes = new Uint8Array(8 + text.length + numbers.length);
    new DataView(bytes.buffer).setUint32(0, text.length, true);
    bytes.set(text, 8);
    bytes.set(numbers, 8 + text.length);
    return NTM.readSafetensors(bytes).tensors;
  };
  const entry = (dtype, shape, from, to) => ({ dtype, shape, data_offsets: [from, to] });
  const halves = Uint8Array.of(0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x55, 0x35); // 1, -2, 2^-24, 0.333251953125
  assert.deepEqual([...file({ v: entry("F16", [4], 0, 8) }, halves).v.data], [1, -2, 2 ** -24, 0.333251953125]);
  const bytes = Uint8Array.of(1, 255, 2, 254, ...new Uint8Array(Float32Array.of(0.5, 3).buffer));
  const quantised = file({ v: entry("I8", [2, 2], 0, 4), "v.scale": entry("F32", [2], 4, 12) }, bytes);
  assert.deepEqual([...quantised.v.data], [0.5, -0.5, 6, -6]);
  assert.deepEqual(Object.keys(quantised), ["v"]);
  for (const wrong of [new Uint8Array(3), new Uint8Array(64).fill(7)]) assert.throws(() => NTM.load(wrong), /safetensors/);
});

test("an override takes the place of what a head emits", () => {
  const task = NTM.tasks().copy, settings = NTM.settings(task), tensors = NTM.drawWeights(settings, NTM.random(0));
  const machine = new NTM.Machine(settings, tensors), x = NTM.sample(task, NTM.random(1)).x[1], state = machine.begin();
  const free = machine.step(state, x), still = { g: 0, s: [0, 1, 0], γ: 1 };
  const held = machine.step(state, x, { 1: still });
  near("a head held still", held.heads[1].w, state.w[1], 1e-6);
  near("the other head", held.heads[0].w, free.heads[0].w, 0);
  const elsewhere = new Float64Array(128).fill(1 / 128);
  const placed = machine.step(state, x, [{ ...still, w: elsewhere }]);
  near("a weighting put in its place", placed.heads[0].w, elsewhere, 0);
  near("what it then reads", placed.state.r[0], NTM.read(state.M, elsewhere), 0);
});

test("the kernel's memory grows with the sequences, and no number changes by it", () => {
  const task = NTM.tasks().copy, settings = NTM.settings(task, { controller: "lstm" });
  const make = () => new NTM.Trainer({ task, settings, seed: 3 }), [growing, grown] = [make(), make()];
  grown.fit(82);
  const before = growing.wasm.memory.buffer.byteLength, random = NTM.random(0);
  for (const length of [1, 2, 5, 9, 3, 14, 20, 8, 27, 40, 12]) {
    const sequence = NTM.sample(task, random, { length });
    assert.equal(growing.update(sequence), grown.update(sequence), `the cost of ${length} vectors`);
  }
  assert.ok(growing.wasm.memory.buffer.byteLength > before, "it did not grow");
  assert.deepEqual(growing.tensors(), grown.tensors());
});

// What the Python side looks at: a bare draw and a tape's of the same seeds; and machines that learned here, with an answer.
for (const [i, controller] of ["feedforward", "lstm"].entries()) {
  test(`a ${controller} machine learns copy from a tape's start, and is saved`, () => {
    const task = NTM.tasks().copy, settings = NTM.settings(task, { controller, read_heads: 2, write_heads: 2 });
    const out = (name, machine) => fs.writeFileSync(path.join(process.env.GOLDEN, `${name}-${controller}.safetensors`), machine.save());
    for (const start of ["bare", "tape"]) {
      const sizes = { ...settings, start };
      out(start, new NTM.Machine(sizes, NTM.drawWeights(sizes, NTM.random(i))));
    }
    const trainer = new NTM.Trainer({ task, settings: NTM.settings(task, { controller }), seed: i });
    const costs = Array.from({ length: 2500 }, () => trainer.learn()), last = NTM.sum(costs.slice(-100)) / 100;
    assert.ok(costs.slice(0, 100).reduce((a, b) => a + b) / 100 > 50, "it knew the task before");
    assert.ok(last < 1, `it costs ${last} bits after 2,500 sequences`);
    const machine = trainer.machine(), sequence = NTM.sample(task, NTM.random(9), { length: 30 });
    const logits = machine.run(sequence.x).map(({ logits: z }) => [...z]);
    const again = NTM.load(machine.save());
    near("what the saved file answers", again.run(sequence.x).map(({ logits: z }) => z), logits, 0);
    out("learned", machine);
    const answer = { x: sequence.x.map((x) => [...x]), logits, wrong: NTM.score(logits, sequence).wrong };
    fs.writeFileSync(path.join(process.env.GOLDEN, `learned-${controller}.json`), JSON.stringify(answer));
  });
}
