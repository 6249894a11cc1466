// A Neural Turing Machine from the file that NTM.save of ntm/machine.py wrote, one step at a time,
// with equations.js; in double precision, and close enough to torch to be held to it (tests/live).
"use strict";

// ---- the file: eight bytes of length, a JSON header, then the numbers of all tensors ----

NTM.wrong = (what) => { throw new Error(what); };
NTM.bytes = (source) => {
  if (typeof source !== "string") return new Uint8Array(source);
  const text = atob(source), bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};
// Sign, exponent and fraction, put where float32 has them, stand for 2^112 times less.
NTM.float16 = (halves) => {
  const bits = new Uint32Array(halves).map((h) => ((h & 0x8000) << 16) | ((h & 0x7fff) << 13));
  return new Float64Array(new Float32Array(bits.buffer)).map((value) => value * 2 ** 112);
};

// source: an ArrayBuffer, bytes or base64. Returns { metadata, tensors: { name: { shape, data } }
// }. A tensor of type I8 has one scale a row, in a tensor of its own named `<name>.scale`.
NTM.readSafetensors = (source) => {
  const bytes = NTM.bytes(source), tensors = {};
  let start, header;
  try {
    start = 8 + new DataView(bytes.buffer).getUint32(0, true);
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  } catch { NTM.wrong("this is no safetensors file: it has no header in JSON"); }
  const { __metadata__: metadata = {}, ...entries } = header;
  const kinds = { F64: Float64Array, F32: Float32Array, F16: Uint16Array, I8: Int8Array };
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(entries)) {
    if (!kinds[dtype]) NTM.wrong(`${name} is ${dtype}; it must be one of ${Object.keys(kinds)}`);
    if (start + to > bytes.length) NTM.wrong(`the file ends before ${name} does`);
    const data = new kinds[dtype](bytes.slice(start + from, start + to).buffer);
    tensors[name] = { shape, data: dtype === "F16" ? NTM.float16(data) : data };
  }
  for (const [name, { data: scale }] of Object.entries(tensors)) {
    const scaled = tensors[name.replace(/\.scale$/, "")], width = scaled.data.length / scale.length;
    if (scaled.data === scale) continue;
    scaled.data = new Float64Array(scaled.data).map((v, i) => v * scale[Math.floor(i / width)]);
    delete tensors[name];
  }
  return { metadata, tensors };
};

NTM.writeSafetensors = (metadata, tensors) => { // as bytes, in float32
  const header = { __metadata__: metadata }, all = [];
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const from = 4 * all.length, to = from + 4 * data.length;
    header[name] = { dtype: "F32", shape, data_offsets: [from, to] };
    for (const value of data) all.push(value);
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = 8 * Math.ceil(text.length / 8); // so that the numbers are aligned
  const bytes = new Uint8Array(8 + length + 4 * all.length).fill(" ".charCodeAt(0));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  new Float32Array(bytes.buffer, 8 + length).set(all);
  return bytes;
};

NTM.load = (source) => {
  const { metadata, tensors } = NTM.readSafetensors(source);
  const { kind = "something else", settings, notes = "{}" } = metadata;
  if (kind !== "NTM") NTM.wrong(`this file holds ${kind}; it must be written by NTM.save`);
  return new NTM.Machine(JSON.parse(settings), tensors, JSON.parse(notes));
};

// ---- the machine ----

NTM.Machine = class {
  // settings: as in the file, or as NTM's arguments in Python; tensors: { name: { shape, data } }.
  constructor(settings, tensors, notes = {}) {
    const { read_heads: reads, write_heads: writes, width, layers = 1 } = settings;
    for (const [name, shape] of Object.entries(NTM.shapes(settings))) {
      const found = tensors[name]?.shape.join(" × "), wanted = shape.join(" × ");
      if (found !== wanted) NTM.wrong(`${name} is ${found}; it must be ${wanted}`);
    }
    Object.assign(this, { settings, tensors, notes, reads, writes, width });
    // where: how a head moves, by default by equations (5) to (9)
    [this.lstm, this.hard] = [settings.controller === "lstm", settings.where === "home"];
    const linear = (of) => ({ W: this.rows(`${of}.weight`), bias: this.rows(`${of}.bias`)[0] });
    this.layers = Array.from({ length: layers }, (_, l) => linear(`controller.layers.${l}`));
    [this.emit, this.output] = [linear("heads.linear"), linear("output")];
  }

  // A tensor as a list of rows.
  rows(name) {
    const { shape, data } = this.tensors[name], width = shape.at(-1), all = new Float64Array(data);
    const row = (_, i) => all.subarray(i * width, (i + 1) * width);
    return Array.from({ length: data.length / width }, row);
  }

  // The state in which every sequence begins: memory, all heads' weightings (read heads first),
  // what was read, and the LSTM's h and c of every layer. A state is never changed, so that all may
  // be kept.
  begin() {
    const [h, c] = ["h", "c"].map((name) => (this.lstm ? this.rows(`controller.${name}_0`) : []));
    const soft = this.rows("w_0").map(NTM.softmax), w = this.hard ? soft.map(NTM.hardest) : soft;
    return { M: this.rows("M_0"), w, r: this.rows("r_0"), h, c };
  }

  // One step: what the last one left in `state` and x, the inputs' channels, give the logits, their
  // probabilities y, the new state, and what every head emitted and where it then was. override: by
  // the number of a head what takes the place of its k, β, g, s, γ, e, a or, after all, its w.
  step(state, x, override = {}) {
    const { h, controller } = this.control(state, x), where = this.hard ? NTM.home : NTM.address;
    const heads = this.heads(h).map((emitted, i) => {
      const head = { ...emitted, ...override[i] };
      return { ...where(state.M, head, state.w[i]), ...head };
    });
    const writing = heads.slice(this.reads), w = heads.map((head) => head.w);
    const r = w.slice(0, this.reads).map((each) => NTM.read(state.M, each));
    let M = writing.reduce((M, head) => NTM.erase(M, head.w, head.e), state.M);
    M = writing.reduce((M, head) => NTM.add(M, head.w, head.a), M);
    const logits = NTM.linear(this.output, NTM.join(h, ...r));
    return { y: logits.map(NTM.sigmoid), logits, heads, state: { M, w, r, ...controller } };
  }

  // A whole sequence, a list of rows: the list of what step returned.
  run(sequence) {
    const steps = [];
    for (const x of sequence) steps.push(this.step(steps.at(-1)?.state || this.begin(), x));
    return steps;
  }

  // The controller's output h, from x and what was read, and its own new state.
  control(state, x) {
    let input = NTM.join(x, ...state.r);
    const h = [], c = [];
    for (const [l, layer] of this.layers.entries()) {
      if (!this.lstm) input = NTM.linear(layer, input).map(Math.tanh);
      else {
        const z = NTM.linear(layer, NTM.join(input, state.h[l])), size = z.length / 4;
        const [i, f, g, o] = [NTM.sigmoid, NTM.sigmoid, Math.tanh, NTM.sigmoid].map(
          (squash, n) => z.subarray(n * size, (n + 1) * size).map(squash));
        c.push(state.c[l].map((value, j) => f[j] * value + i[j] * g[j]));
        input = c[l].map((value, j) => o[j] * Math.tanh(value));
        h.push(input);
      }
    }
    return { h: input, controller: { h, c } };
  }

  // From h to what each head does; it lies grouped by kind: all keys, all β, ...
  heads(h) {
    const emitted = NTM.linear(this.emit, h), { reads, writes, width } = this;
    const all = reads + writes, offsets = 2 * this.settings.shift_range + 1;
    let at = 0;
    const next = (heads, size, meant) =>
      Array.from({ length: heads }, () => meant(emitted.subarray(at, (at += size))));
    const number = (meant) => next(all, 1, ([value]) => meant(value));
    const row = (heads, squash) => next(heads, width, (values) => values.map(squash));
    const k = row(all, Math.tanh), β = number(NTM.softplus), g = number(NTM.sigmoid);
    const s = next(all, offsets, NTM.softmax), γ = number((value) => 1 + NTM.softplus(value));
    const e = row(writes, NTM.sigmoid), a = row(writes, Math.tanh);
    return k.map((_, i) => {
      const head = { k: k[i], β: β[i], g: g[i], s: s[i], γ: γ[i] }, n = i - reads;
      return n < 0 ? { kind: "read", ...head } : { kind: "write", ...head, e: e[n], a: a[n] };
    });
  }

  // The file that NTM.load in Python reads, as bytes.
  save() {
    const [settings, notes] = [this.settings, this.notes].map((each) => JSON.stringify(each));
    return NTM.writeSafetensors({ kind: "NTM", settings, notes }, this.tensors);
  }
};

NTM.linear = ({ W, bias }, x) => bias.map((b, i) => b + NTM.dot(W[i], x));
NTM.join = (...parts) => Float64Array.from(parts.flatMap((part) => [...part]));

// The shape of every tensor of a machine with these settings, in the order of the kernel's
// parameters.
NTM.shapes = ({ inputs, outputs, controller, hidden_size: H, layers = 1, ...sizes }) => {
  const { N, width, read_heads, write_heads, shift_range } = sizes, R = read_heads * width;
  const lstm = controller === "lstm", heads = read_heads + write_heads, state = [layers, 1, H];
  const emissions = heads * (width + 3 + 2 * shift_range + 1) + 2 * write_heads * width;
  const shapes = {
    r_0: [read_heads, width], ...(lstm && { "controller.h_0": state, "controller.c_0": state }),
    M_0: [N, width], w_0: [heads, N], "heads.linear.weight": [emissions, H],
    "heads.linear.bias": [emissions], "output.weight": [outputs, H + R], "output.bias": [outputs],
  };
  for (let l = 0; l < layers; l++) {
    const rows = (lstm ? 4 : 1) * H, columns = (l ? H : inputs + R) + (lstm ? H : 0);
    shapes[`controller.layers.${l}.weight`] = [rows, columns];
    shapes[`controller.layers.${l}.bias`] = [rows];
  }
  return shapes;
};
