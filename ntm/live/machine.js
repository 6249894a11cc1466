// A Neural Turing Machine from the file that NTM.save of ntm/machine.py wrote, one step at a time, with the equations of
// equations.js; in double precision, and close enough to torch to be held to it (tests/live).
"use strict";
globalThis.NTM = globalThis.NTM || {};

// ---- the file: eight bytes of length, a JSON header, then the numbers of all tensors ----

NTM.bytes = (source) => {
  if (typeof source === "string") return Uint8Array.from(atob(source), (c) => c.charCodeAt(0));
  return source instanceof Uint8Array ? source : new Uint8Array(source);
};

NTM.float16 = (h) => {
  const sign = h >> 15 ? -1 : 1, power = (h >> 10) & 31, rest = h & 1023;
  return sign * (power ? 2 ** (power - 15) * (1 + rest / 1024) : 2 ** -14 * (rest / 1024)); // no infinity among weights
};

// source: an ArrayBuffer, a Uint8Array or base64. Returns { metadata, tensors: { name: { shape, data } } }. A tensor of
// type I8 has one scale a row, in a tensor of its own named `<name>.scale`.
NTM.readSafetensors = (source) => {
  const bytes = NTM.bytes(source);
  if (bytes.length < 8) throw new Error("this is no safetensors file: it is shorter than 8 bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset), start = 8 + view.getUint32(0, true);
  let header;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  } catch {
    throw new Error("this is no safetensors file: its header is not JSON");
  }
  const { __metadata__: metadata = {}, ...entries } = header, tensors = {};
  const kinds = { F64: Float64Array, F32: Float32Array, F16: Uint16Array, I8: Int8Array };
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(entries)) {
    if (!kinds[dtype]) throw new Error(`${name} is of type ${dtype}; it must be one of ${Object.keys(kinds).join(", ")}`);
    if (start + to > bytes.length) throw new Error(`the file ends before ${name} does`);
    const numbers = new kinds[dtype](bytes.slice(start + from, start + to).buffer);
    tensors[name] = { shape, data: dtype === "F16" ? Float64Array.from(numbers, NTM.float16) : numbers };
  }
  for (const name of Object.keys(tensors).filter((name) => `${name}.scale` in tensors)) {
    const { shape, data } = tensors[name], scale = tensors[`${name}.scale`].data, width = data.length / scale.length;
    tensors[name] = { shape, data: Float64Array.from(data, (value, i) => value * scale[Math.floor(i / width)]) };
    delete tensors[`${name}.scale`];
  }
  return { metadata, tensors };
};

NTM.writeSafetensors = (metadata, tensors) => {
  const header = { __metadata__: metadata };
  let at = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape, data_offsets: [at, (at += 4 * data.length)] };
  }
  let text = JSON.stringify(header).replace(/[\u0080-\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  text = text.padEnd(Math.ceil(text.length / 8) * 8); // so that the numbers are aligned
  const bytes = new Uint8Array(8 + text.length + at);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(new TextEncoder().encode(text), 8);
  at = 8 + text.length;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(Float32Array.from(data).buffer), at);
    at += 4 * data.length;
  }
  return bytes;
};

// ---- the machine ----

NTM.load = (source) => {
  const { metadata, tensors } = NTM.readSafetensors(source);
  if (metadata.kind !== "NTM") throw new Error(`this file holds ${metadata.kind || "something else"}; it must be written by NTM.save`);
  return new NTM.Machine(JSON.parse(metadata.settings), tensors, JSON.parse(metadata.notes || "{}"));
};

NTM.Machine = class {
  // settings: as in the file, or as NTM's arguments in Python; tensors: { name: { shape, data } }, float32 or float64.
  constructor(settings, tensors, notes = {}) {
    Object.assign(this, { settings, tensors, notes });
    const { read_heads, write_heads, width, shift_range, layers = 1 } = settings, heads = read_heads + write_heads;
    for (const [name, shape] of Object.entries(NTM.shapes(settings))) {
      const found = tensors[name] && tensors[name].shape.join(" × ");
      if (found !== shape.join(" × ")) throw new Error(`${name} is ${found}; it must be ${shape.join(" × ")}`);
    }
    Object.assign(this, { reads: read_heads, writes: write_heads, lstm: settings.controller === "lstm", N: settings.N, width });
    const layer = (name) => ({ W: this.rows(`${name}.weight`), bias: this.rows(`${name}.bias`)[0] });
    this.layers = Array.from({ length: layers }, (_, l) => layer(`controller.layers.${l}`));
    this.emit = layer("heads.linear");
    this.output = layer("output");
    // what all heads emit lies grouped by kind: all keys, all β, ...
    this.sizes = { k: width, β: 1, g: 1, s: 2 * shift_range + 1, γ: 1, e: width, a: width };
    this.starts = {};
    let at = 0;
    for (const [kind, size] of Object.entries(this.sizes)) {
      this.starts[kind] = at;
      at += size * ("ea".includes(kind) ? write_heads : heads);
    }
  }

  // A tensor as a list of rows.
  rows(name) {
    const { shape, data } = this.tensors[name], width = shape[shape.length - 1];
    const all = Float64Array.from(data);
    return Array.from({ length: data.length / width }, (_, i) => all.subarray(i * width, (i + 1) * width));
  }

  // The state in which every sequence begins: memory, all heads' weightings (read heads first), what was read, and the
  // LSTM's h and c of every layer. A state is never changed, so that all may be kept.
  begin() {
    return {
      M: this.rows("M_0"), w: this.rows("w_0").map(NTM.softmax), r: this.rows("r_0"),
      h: this.lstm ? this.rows("controller.h_0") : [], c: this.lstm ? this.rows("controller.c_0") : [],
    };
  }

  // One step: what the last one left in `state` and x, the inputs' channels, give the logits, their probabilities y, the
  // new state, and what every head emitted and where it then was.
  // override: by the number of a head what takes the place of its k, β, g, s, γ, e, a or, after all, its w: an object,
  // or a function of what the head emitted that returns one.
  step(state, x, override = {}) {
    const { h, controller } = this.control(state, x);
    const heads = this.heads(h);
    for (const [i, head] of heads.entries()) {
      const given = typeof override[i] === "function" ? override[i](head, state) : override[i];
      Object.assign(head, given, NTM.address(state.M, { ...head, ...given }, state.w[i]));
      if (given && given.w) head.w = Float64Array.from(given.w);
    }
    const r = heads.slice(0, this.reads).map((head) => NTM.read(state.M, head.w)), writing = heads.slice(this.reads);
    let M = writing.reduce((M, head) => NTM.erase(M, head.w, head.e), state.M);
    M = writing.reduce((M, head) => NTM.add(M, head.w, head.a), M);
    const logits = NTM.linear(this.output, NTM.join(h, ...r));
    return { y: logits.map(NTM.sigmoid), logits, heads, state: { M, w: heads.map((head) => head.w), r, ...controller } };
  }

  // A whole sequence, a list of rows: the list of what step returned.
  run(sequence, override) {
    let state = this.begin();
    return sequence.map((x, t) => {
      const step = this.step(state, x, typeof override === "function" ? override(t) : override);
      ({ state } = step);
      return step;
    });
  }

  // The controller's output h, from x and what was read, and its own new state.
  control(state, x) {
    let input = NTM.join(x, ...state.r);
    if (!this.lstm) {
      for (const layer of this.layers) input = NTM.linear(layer, input).map(Math.tanh);
      return { h: input, controller: { h: [], c: [] } };
    }
    const h = [], c = [];
    for (const [l, layer] of this.layers.entries()) {
      const z = NTM.linear(layer, NTM.join(input, state.h[l])), size = z.length / 4;
      const gate = (n, squash) => z.subarray(n * size, (n + 1) * size).map(squash);
      const i = gate(0, NTM.sigmoid), f = gate(1, NTM.sigmoid), g = gate(2, Math.tanh), o = gate(3, NTM.sigmoid);
      c.push(state.c[l].map((value, j) => f[j] * value + i[j] * g[j]));
      input = c[l].map((value, j) => o[j] * Math.tanh(value));
      h.push(input);
    }
    return { h: input, controller: { h, c } };
  }

  // From h to what each head does.
  heads(h) {
    const emitted = NTM.linear(this.emit, h);
    const part = (kind, n) => emitted.subarray(this.starts[kind] + n * this.sizes[kind], this.starts[kind] + (n + 1) * this.sizes[kind]);
    return Array.from({ length: this.reads + this.writes }, (_, n) => {
      const head = {
        kind: n < this.reads ? "read" : "write", k: part("k", n).map(Math.tanh), β: NTM.softplus(part("β", n)[0]),
        g: NTM.sigmoid(part("g", n)[0]), s: NTM.softmax(part("s", n)), γ: 1 + NTM.softplus(part("γ", n)[0]),
      };
      if (n < this.reads) return head;
      return { ...head, e: part("e", n - this.reads).map(NTM.sigmoid), a: part("a", n - this.reads).map(Math.tanh) };
    });
  }

  // The file that NTM.load in Python reads, as bytes.
  save(notes = this.notes) {
    return NTM.writeSafetensors({ kind: "NTM", settings: JSON.stringify(this.settings), notes: JSON.stringify(notes) }, this.tensors);
  }
};

NTM.linear = ({ W, bias }, x) => bias.map((b, i) => b + NTM.dot(W[i], x));
NTM.join = (...parts) => Float64Array.from(parts.flatMap((part) => [...part]));

// The shape of every tensor of a machine with these settings, in the order of the kernel's parameters (training.js).
NTM.shapes = ({ inputs, outputs, controller, hidden_size: H, layers = 1, N, width, read_heads, write_heads, shift_range }) => {
  const heads = read_heads + write_heads, R = read_heads * width, lstm = controller === "lstm";
  const emissions = heads * (width + 3 + 2 * shift_range + 1) + 2 * write_heads * width;
  const shapes = { r_0: [read_heads, width] };
  if (lstm) Object.assign(shapes, { "controller.h_0": [layers, 1, H], "controller.c_0": [layers, 1, H] });
  Object.assign(shapes, {
    M_0: [N, width], w_0: [heads, N], "heads.linear.weight": [emissions, H], "heads.linear.bias": [emissions],
    "output.weight": [outputs, H + R], "output.bias": [outputs],
  });
  for (let l = 0; l < layers; l++) {
    shapes[`controller.layers.${l}.weight`] = [(lstm ? 4 : 1) * H, (l ? H : inputs + R) + (lstm ? H : 0)];
    shapes[`controller.layers.${l}.bias`] = [(lstm ? 4 : 1) * H];
  }
  return shapes;
};
