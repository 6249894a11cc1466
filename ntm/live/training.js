// A training in the page: ntm/kernel.c itself, as WebAssembly (kernel.js, which `make live` builds), makes the updates;
// what is here draws the first weights, as ntm/machine.py and ntm/start.py do, and lays everything out for it.
"use strict";
globalThis.NTM = globalThis.NTM || {};

// The first weights of a machine: { name: { shape, data } }. start: "bare" or "tape".
NTM.drawWeights = (settings, random) => {
  const { width, read_heads, write_heads, shift_range, inputs, N, controller } = settings, tensors = {};
  for (const [name, shape] of Object.entries(NTM.shapes(settings))) {
    const data = new Float32Array(shape.reduce((a, b) => a * b)), part = name.replace(/\.[a-z]+$/, "");
    if (part !== name && part !== "controller") { // of a linear layer
      const bound = 1 / Math.sqrt(NTM.shapes(settings)[`${part}.weight`][1]);
      data.forEach((_, i) => (data[i] = bound * (2 * random.uniform() - 1)));
    }
    tensors[name] = { shape, data };
  }
  const heads = read_heads + write_heads, offsets = 2 * shift_range + 1;
  const bias = tensors["heads.linear.bias"].data, weight = tensors["heads.linear.weight"].data, H = settings.hidden_size;
  const [β, g, s] = [0, 1, 2].map((n) => heads * (width + n)), a = bias.length - write_heads * width;
  for (let h = 0; h < heads; h++) {
    bias[β + h] += settings.initial_strength || 0;
    tensors.w_0.data[h * N] = settings.initial_weighting === "uniform" ? 0 : 5;
  }
  NTM.drawMemory(settings, tensors.M_0.data, random);
  if (settings.start !== "tape") return tensors;

  for (let h = 0; h < heads; h++) { // the habits of a tape machine
    bias[s + h * offsets + shift_range + 1] += 3; // 91 % moves on
    bias[g + h] -= h < read_heads ? 0 : 2; // σ(−2) = 0.12
    bias[β + h] += 5;
  }
  for (let h = 0; h < read_heads; h++) { // the key is the same map of h as what a write head adds
    for (let j = 0; j < width; j++) {
      const own = h * width + j, other = a + (h % write_heads) * width + j;
      weight.copyWithin(own * H, other * H, (other + 1) * H);
      bias[own] = bias[other];
    }
  }
  const layer = tensors["controller.layers.0.weight"], columns = layer.shape[1];
  layer.data.forEach((_, i) => (layer.data[i] *= i % columns < inputs ? 1.5 * Math.sqrt(columns / inputs) : 1));
  if (controller === "lstm") { // its h is a third of a tanh layer's
    for (const [first, rows] of [[0, heads * width], [a, write_heads * width]]) {
      for (let i = first * H; i < (first + rows) * H; i++) weight[i] *= 3;
      bias.fill(0, first, first + rows);
    }
  }
  return tensors;
};

NTM.drawMemory = ({ initial_memory: kind, N, width }, rows, random) => {
  const level = { blank: 0.1, redrawn: 0.1, constant: 1e-6 }[kind] || 0, drawn = ["distinct", "redrawn", "learned"].includes(kind);
  rows.forEach((_, i) => {
    const column = i % width, angle = 2 * Math.PI * Math.floor(i / width) / N;
    rows[i] = kind === "positions" ? 0.3 * Math.sin(angle * (Math.floor(column / 2) + 1) + (column % 2) * Math.PI / 2)
      : level + (drawn ? 0.1 * random.normal() : 0);
  });
};

// What NTM takes in Python, with its defaults.
NTM.settings = (task, { controller = "feedforward", start = "tape", ...others } = {}) => ({
  inputs: task.inputs, outputs: task.outputs, controller, hidden_size: 100, layers: 1, N: 128, width: 20, read_heads: 1,
  write_heads: 1, shift_range: 1, initial_memory: start === "tape" ? "blank" : "distinct", initial_weighting: "focused",
  initial_strength: 0, start, ...others,
});

// A machine that learns. task: one of NTM.tasks, made; settings: as NTM.settings gives them; tensors: the weights to begin
// with, by default drawn from the seed, from which the sequences come too. One sequence an update, by Graves' RMSprop.
NTM.Trainer = class {
  constructor({ task, settings, seed = 0, rate = 1e-4, clip = 10, tensors }) {
    Object.assign(this, { task, settings, seed, rate, clip, seen: 0 });
    this.sequences = NTM.random(seed, 1);
    this.redrawn = NTM.random(seed, 2);
    this.wasm = new WebAssembly.Instance(new WebAssembly.Module(NTM.bytes(NTM.kernel))).exports;
    this.wasm._initialize();
    this.free = this.wasm.__heap_base.value;
    this.layOut(tensors || NTM.drawWeights(settings, NTM.random(seed)));
  }

  // So many bytes of the kernel's memory. It may grow, and then every view that was made of it before is empty: so all views are
  // made where they are used.
  place(bytes) {
    const at = Math.ceil(this.free / 16) * 16, memory = this.wasm.memory;
    this.free = at + bytes;
    const missing = this.free - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    return at;
  }
  floats(at, n) { return new Float32Array(this.wasm.memory.buffer, at, n); }

  // The structs Parameter and Update of kernel.c. In wasm32 longs and pointers have four bytes, doubles eight.
  layOut(tensors) {
    const { settings: m } = this, lstm = m.controller === "lstm", zeros = (n) => {
      const at = this.place(4 * n);
      this.floats(at, n).fill(0);
      return at;
    };
    this.parameters = Object.entries(NTM.shapes(m)).map(([name, shape]) => {
      const { data } = tensors[name], n = data.length, x = this.place(4 * n);
      this.floats(x, n).set(data);
      const learned = (name !== "M_0" || m.initial_memory === "learned") && (name !== "w_0" || m.initial_weighting === "learned");
      return { name, shape, n, x, pointers: [x, ...(learned ? [0, 0, 0, 0].map(() => zeros(n)) : [0, 0, 0, 0]), 0, n] };
    });
    const structs = this.parameters.map(({ pointers }) => pointers);
    if (!lstm) structs.splice(1, 0, Array(7).fill(0), Array(7).fill(0)); // it has neither h_0 nor c_0
    const parameters = this.place(28 * structs.length);
    new Int32Array(this.wasm.memory.buffer, parameters, 7 * structs.length).set(structs.flat());
    this.update_ = this.place(256);
    const longs = new Int32Array(this.wasm.memory.buffer, this.update_, 64).fill(0);
    longs.set([0, 1, m.inputs, m.N, m.width, m.read_heads, m.write_heads, 2 * m.shift_range + 1, m.hidden_size, m.layers, lstm]);
    longs.set([m.outputs, 0, parameters], 37);
    this.fixed = this.free; // what lies above is laid out anew for longer sequences
    this.most = 0;
  }

  // Room for sequences of up to T steps: nothing in it is kept from one update to the next.
  fit(T) {
    const { inputs, outputs } = this.settings, view = () => new Int32Array(this.wasm.memory.buffer, this.update_, 64);
    view()[0] = T;
    if (T <= this.most) return;
    [this.most, this.free] = [T, this.fixed];
    const places = [4 * T * inputs, 4 * T * outputs, 4 * T].map((bytes) => this.place(bytes));
    view().set([...places, inputs, outputs, 1], 40);
    const room = this.place(4 * this.wasm.update_room(this.update_)); // before the view is made
    view()[58] = room;
  }

  // One update on one sequence. Returns the cost in bits before it; NaN, with nothing changed, where cost or gradient is not finite.
  update({ x, y, mask }) {
    this.fit(x.length);
    const [at_x, at_y, at_mask] = new Int32Array(this.wasm.memory.buffer, this.update_ + 160, 3);
    const { inputs, outputs } = this.settings;
    x.forEach((row, t) => this.floats(at_x + 4 * t * inputs, inputs).set(row));
    y.forEach((row, t) => this.floats(at_y + 4 * t * outputs, outputs).set(row));
    this.floats(at_mask, mask.length).set(mask);
    new Float64Array(this.wasm.memory.buffer, this.update_ + 184, 6).set([this.rate, 0.95, 0.9, 1e-4, this.clip, Infinity]);
    if (!this.wasm.update(this.update_)) return NaN;
    return new Float64Array(this.wasm.memory.buffer, this.update_ + 240, 1)[0];
  }

  // Train on a sequence of the task; returns its cost in bits.
  learn() {
    if (this.settings.initial_memory === "redrawn") {
      const { x, n } = this.parameters.find(({ name }) => name === "M_0");
      NTM.drawMemory(this.settings, this.floats(x, n), this.redrawn);
    }
    this.seen++;
    return this.update(this.task.sample(this.sequences));
  }

  // Copies of all tensors, or of all gradients, as { name: { shape, data } }.
  tensors(which = 0) {
    const found = this.parameters.filter(({ pointers }) => pointers[which]);
    return Object.fromEntries(found.map(({ name, shape, n, pointers }) => [name, { shape, data: this.floats(pointers[which], n).slice() }]));
  }
  gradients() { return this.tensors(1); }

  machine() {
    return new NTM.Machine(this.settings, this.tensors(), { task: this.task.name, seed: this.seed, sequences: this.seen, rate: this.rate });
  }
};
