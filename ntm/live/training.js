// A training in the page: ntm/kernel.c itself, as WebAssembly (kernel.js, which `make live`
// builds), makes the updates; what is here draws the first weights, as ntm/machine.py and
// ntm/start.py do, and lays everything out for it.
"use strict";

// The first weights of a machine: { name: { shape, data } }. start: "bare" or "tape".
NTM.drawWeights = (settings, random) => {
  const { read_heads: reads, write_heads: writes, N, width, hidden_size: H } = settings;
  const heads = reads + writes, shapes = NTM.shapes(settings), tensors = {};
  const offsets = 2 * settings.shift_range + 1;
  for (const [name, shape] of Object.entries(shapes)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b));
    const bound = 1 / Math.sqrt(shapes[name.replace(/bias$/, "weight")][1]); // of a linear layer
    const draw = () => bound * (2 * random.uniform() - 1);
    tensors[name] = { shape, data: /(weight|bias)$/.test(name) ? data.map(draw) : data };
  }
  const bias = tensors["heads.linear.bias"].data, weight = tensors["heads.linear.weight"].data;
  const [β, g, s] = [0, 1, 2].map((n) => heads * (width + n)), a = bias.length - writes * width;
  for (let h = 0; h < heads; h++) {
    bias[β + h] += settings.initial_strength;
    tensors.w_0.data[h * N] = 5;
  }
  NTM.drawMemory(settings, tensors.M_0.data, random);
  if (settings.start !== "tape") return tensors;

  for (let h = 0; h < heads; h++) { // the habits of a tape machine
    bias[s + h * offsets + (offsets + 1) / 2] += 3; // 91 % moves on
    bias[g + h] -= h < reads ? 0 : 2; // σ(−2) = 0.12
    bias[β + h] += 5;
  }
  for (let own = 0; own < reads * width; own++) { // a key is the map of h that a write head adds
    const other = a + (own % (writes * width));
    weight.copyWithin(own * H, other * H, (other + 1) * H);
    bias[own] = bias[other];
  }
  const { shape: [, columns], data } = tensors["controller.layers.0.weight"], { inputs } = settings;
  data.forEach((_, i) => (data[i] *= i % columns < inputs ? 1.5 * Math.sqrt(columns / inputs) : 1));
  if (settings.controller !== "lstm") return tensors;
  for (const [first, rows] of [[0, heads * width], [a, writes * width]]) { // h: a third of a tanh's
    for (let i = first * H; i < (first + rows) * H; i++) weight[i] *= 3;
    bias.fill(0, first, first + rows);
  }
  return tensors;
};

NTM.drawMemory = ({ initial_memory: kind }, numbers, random) => {
  const level = kind === "blank" || kind === "redrawn" ? 0.1 : 0, drawn = kind !== "blank";
  numbers.forEach((_, i) => (numbers[i] = level + (drawn && 0.1 * random.normal())));
};

// What NTM takes in Python, with its defaults.
NTM.settings = (task, { controller = "feedforward", start = "tape", ...others } = {}) => ({
  inputs: task.inputs, outputs: task.outputs, controller, start, hidden_size: 100, layers: 1,
  N: 128, width: 20, read_heads: 1, write_heads: 1, shift_range: 1, initial_strength: 0,
  initial_memory: start === "tape" ? "blank" : "distinct", initial_weighting: "focused", ...others,
});

// A machine that learns. task: one of NTM.tasks(); settings: as NTM.settings gives them; tensors:
// the weights to begin with, by default drawn from the seed, from which the sequences come too. One
// sequence an update, by Graves' RMSprop.
NTM.Trainer = class {
  constructor({ task, settings, seed = 0, rate = 1e-4, clip = 10, tensors }) {
    const [weights, sequences, redrawn] = [0, 1, 2].map((stream) => NTM.random(seed, stream));
    Object.assign(this, { task, settings, seed, rate, clip, sequences, redrawn, seen: 0 });
    this.wasm = new WebAssembly.Instance(new WebAssembly.Module(NTM.bytes(NTM.kernel))).exports;
    this.wasm._initialize();
    this.free = this.wasm.__heap_base.value;
    this.layOut(tensors || NTM.drawWeights(settings, weights));
  }

  // So many bytes of the kernel's memory. It may grow, and then every view that was made of it
  // before is empty: so all views are made where they are used.
  place(bytes) {
    const at = Math.ceil(this.free / 16) * 16, { memory } = this.wasm;
    this.free = at + bytes;
    const missing = this.free - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    return at;
  }
  floats(at, n) { return new Float32Array(this.wasm.memory.buffer, at, n); }
  longs(at, n) { return new Int32Array(this.wasm.memory.buffer, at, n); }
  doubles(at, n) { return new Float64Array(this.wasm.memory.buffer, at, n); }
  numbers(data) {
    const at = this.place(4 * data.length);
    this.floats(at, data.length).set(data);
    return at;
  }

  // The structs Parameter and Update of kernel.c. In wasm32 longs and pointers have four bytes.
  layOut(tensors) {
    const m = this.settings, lstm = m.controller === "lstm";
    this.parameters = Object.entries(NTM.shapes(m)).map(([name, shape]) => {
      const { data } = tensors[name], n = data.length;
      const kind = { M_0: m.initial_memory, w_0: m.initial_weighting }[name] || "learned";
      // the numbers, their gradient, and the three averages of RMSprop
      const more = [1, 2, 3, 4].map(() => kind === "learned" && this.numbers(new Float32Array(n)));
      return { name, shape, n, pointers: [this.numbers(data), ...more, 0, n] };
    });
    const structs = this.parameters.map(({ pointers }) => pointers), none = Array(7).fill(0);
    if (!lstm) structs.splice(1, 0, none, none); // it has neither h_0 nor c_0
    const parameters = this.place(28 * structs.length);
    this.longs(parameters, 7 * structs.length).set(structs.flat());
    this.struct = this.place(256);
    const sizes = [m.inputs, m.N, m.width, m.read_heads, m.write_heads, 2 * m.shift_range + 1];
    this.longs(this.struct, 64).fill(0);
    this.longs(this.struct, 11).set([0, 1, ...sizes, m.hidden_size, m.layers, lstm]);
    this.longs(this.struct + 4 * 37, 3).set([m.outputs, 0, parameters]);
    this.fixed = this.free; // what lies above is laid out anew for longer sequences
    this.most = 0;
  }

  // Room for sequences of up to T steps: nothing in it is kept from one update to the next.
  fit(T) {
    const { inputs, outputs } = this.settings;
    this.longs(this.struct, 1)[0] = T;
    if (T <= this.most) return;
    [this.most, this.free] = [T, this.fixed];
    const places = [4 * T * inputs, 4 * T * outputs, 4 * T].map((bytes) => this.place(bytes));
    this.longs(this.struct + 4 * 40, 6).set([...places, inputs, outputs, 1]);
    const room = this.place(4 * this.wasm.update_room(this.struct)); // before the view is made
    this.longs(this.struct + 4 * 58, 1)[0] = room;
  }

  // One update on one sequence. Returns the cost in bits before it; NaN, with nothing changed,
  // where cost or gradient is not finite.
  update({ x, y, mask }) {
    this.fit(x.length);
    const [at_x, at_y, at_mask] = this.longs(this.struct + 4 * 40, 3);
    const { inputs, outputs } = this.settings;
    x.forEach((row, t) => this.floats(at_x + 4 * t * inputs, inputs).set(row));
    y.forEach((row, t) => this.floats(at_y + 4 * t * outputs, outputs).set(row));
    this.floats(at_mask, mask.length).set(mask);
    this.doubles(this.struct + 184, 6).set([this.rate, 0.95, 0.9, 1e-4, this.clip, Infinity]);
    return this.wasm.update(this.struct) ? this.doubles(this.struct + 240, 1)[0] : NaN;
  }

  // Train on a sequence of the task; returns its cost in bits.
  learn() {
    if (this.settings.initial_memory === "redrawn") {
      const { pointers: [at], n } = this.parameters.find(({ name }) => name === "M_0");
      NTM.drawMemory(this.settings, this.floats(at, n), this.redrawn);
    }
    this.seen++;
    return this.update(NTM.sample(this.task, this.sequences));
  }

  // Copies of all tensors, or of all gradients, as { name: { shape, data } }.
  tensors(which = 0) {
    const found = this.parameters.filter(({ pointers }) => pointers[which]);
    return Object.fromEntries(found.map(({ name, shape, n, pointers }) =>
      [name, { shape, data: this.floats(pointers[which], n).slice() }]));
  }
  machine(notes = {}) {
    const { settings, seed, seen: sequences, rate } = this;
    return new NTM.Machine(settings, this.tensors(), { ...notes, seed, sequences, rate });
  }
};
