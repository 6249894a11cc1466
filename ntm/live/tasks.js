// The paper's five tasks, one sequence at a time, with the channels of ntm/tasks.py. A task has `inputs` and `outputs`;
// `sequence(...)` makes of given data the sequence { x, y, mask }: rows of inputs, rows of targets, 1 where a step is
// scored; `sample(random, sizes)` draws the data first.
"use strict";
globalThis.NTM = globalThis.NTM || {};

// A seeded generator of our own (sfc32); other numbers than torch's, the same distributions. stream: a second, third ...
// independent one of the same seed.
NTM.random = (seed, stream = 0) => {
  let a = seed | 0, b = stream | 0, c = 0x9e3779b9, d = 1;
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 20; i++) next();
  const uniform = () => next() / 2 ** 32;
  return {
    uniform, bit: () => next() >>> 31, integer: (low, high) => low + Math.floor(uniform() * (high - low + 1)), // both included
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    bits(n, width) { return Array.from({ length: n }, () => Float64Array.from({ length: width }, this.bit)); },
  };
};

// T steps of silence, without a target, and unscored.
NTM.blank = ({ inputs, outputs }, T) => {
  const rows = (width) => Array.from({ length: T }, () => new Float64Array(width));
  return { x: rows(inputs), y: rows(outputs), mask: new Float64Array(T) };
};

NTM.tasks = {
  // See a sequence of random bit vectors, then write it out.
  copy: ({ width = 8, lengths = [1, 20] } = {}) => ({
    name: "copy", inputs: width + 2, outputs: width,
    sequence(vectors) {
      const L = vectors.length, { x, y, mask } = NTM.blank(this, 2 * L + 2);
      x[0][width] = x[L + 1][width + 1] = 1;
      for (const [i, vector] of vectors.entries()) {
        x[i + 1].set(vector);
        y[i + L + 2].set(vector);
        mask[i + L + 2] = 1;
      }
      return { x, y, mask };
    },
    sample(random, { length = random.integer(...lengths) } = {}) { return this.sequence(random.bits(length, width)); },
  }),

  // See a sequence and a number n, then write the sequence n times and an end marker. count: "number" or "marks".
  repeat_copy: ({ width = 6, lengths = [1, 10], repeats: range = [1, 10], count = "number" } = {}) => ({
    name: "repeat_copy", inputs: width + 2 + (count === "marks"), outputs: width + 1,
    normalise(n) { return (n - (range[0] + range[1]) / 2) / (Math.sqrt(((range[1] - range[0] + 1) ** 2 - 1) / 12) || 1); },
    sequence(vectors, n) {
      const L = vectors.length, go = L + 1 + (count === "marks" ? n : 0), end = go + L * n + 1;
      const { x, y, mask } = NTM.blank(this, end + 1);
      x[0][width] = 1;
      for (const [i, vector] of vectors.entries()) x[i + 1].set(vector);
      if (count === "marks") for (let t = L + 1; t < go; t++) x[t][width + 1] = 1;
      x[go][width + 1 + (count === "marks")] = count === "marks" ? 1 : this.normalise(n);
      for (let t = go + 1; t < end; t++) y[t].set(vectors[(t - go - 1) % L]);
      y[end][width] = 1;
      return { x, y, mask: mask.fill(1, go + 1) };
    },
    sample(random, { length = random.integer(...lengths), repeats = random.integer(...range) } = {}) {
      return this.sequence(random.bits(length, width), repeats);
    },
  }),

  repeat_copy_marks: () => NTM.tasks.repeat_copy({ count: "marks" }),

  // See some items of three vectors, then one of them again: write out the item that came after it.
  associative_recall: ({ width = 6, vectors = 3, items: range = [2, 6] } = {}) => ({
    name: "associative_recall", inputs: width + 2, outputs: width,
    sequence(items, query) {
      const each = vectors + 1, mark = each * items.length, { x, y, mask } = NTM.blank(this, mark + 2 * each);
      for (const [n, item] of items.entries()) {
        x[n * each][width] = 1;
        for (const [v, vector] of item.entries()) x[n * each + 1 + v].set(vector);
      }
      x[mark][width + 1] = x[mark + each][width + 1] = 1;
      for (let v = 0; v < vectors; v++) {
        x[mark + 1 + v].set(items[query][v]);
        y[mark + 1 + v + each].set(items[query + 1][v]);
        mask[mark + 1 + v + each] = 1;
      }
      return { x, y, mask };
    },
    sample(random, { items = random.integer(...range) } = {}) {
      return this.sequence(Array.from({ length: items }, () => random.bits(vectors, width)), random.integer(0, items - 2));
    },
  }),

  // See bits whose odds hang on the five before, by a table of the sequence's own, and predict the next.
  ngrams: ({ length: steps = 200, context = 5 } = {}) => ({
    name: "ngrams", inputs: 1, outputs: 1,
    sequence(bits) {
      const rows = bits.map((bit) => Float64Array.of(bit)), mask = new Float64Array(bits.length - 1).fill(1, context - 1);
      return { x: rows.slice(0, -1), y: rows.slice(1), mask };
    },
    sample(random, { length = steps } = {}) {
      const table = Array.from({ length: 2 ** context }, () => Math.sin(random.uniform() * Math.PI / 2) ** 2); // Beta(1/2, 1/2)
      const bits = [];
      for (let i = 0, seen = 0; i < length; i++) {
        bits.push(Number(random.uniform() < (i < context ? 0.5 : table[seen])));
        seen = (2 * seen + bits[i]) % table.length;
      }
      return this.sequence(bits);
    },
  }),

  // See vectors with priorities, write out those of highest priority in descending order.
  priority_sort: ({ width = 8, vectors: shown = 20, highest = 16 } = {}) => ({
    name: "priority_sort", inputs: width + 2, outputs: width,
    sequence(vectors, priorities, asked = Math.min(highest, vectors.length)) {
      const n = vectors.length, { x, y, mask } = NTM.blank(this, n + 1 + asked);
      for (const [i, vector] of vectors.entries()) {
        x[i].set(vector);
        x[i][width] = priorities[i];
      }
      x[n][width + 1] = 1;
      const order = vectors.map((_, i) => i).sort((i, j) => priorities[j] - priorities[i]);
      for (let i = 0; i < asked; i++) y[n + 1 + i].set(vectors[order[i]]);
      return { x, y, mask: mask.fill(1, n + 1) };
    },
    sample(random, { vectors = shown } = {}) {
      return this.sequence(random.bits(vectors, width), Array.from({ length: vectors }, () => 2 * random.uniform() - 1));
    },
  }),
};

// The paper's cost in bits, and how many scored bits are wrong, of the logits (rows) of a sequence.
NTM.score = (logits, { y, mask }) => {
  let bits = 0, wrong = 0, asked = 0;
  for (const [t, row] of logits.entries()) {
    if (!mask[t]) continue;
    asked += row.length;
    row.forEach((z, o) => {
      bits += (Math.max(z, 0) - z * y[t][o] + Math.log1p(Math.exp(-Math.abs(z)))) / Math.LN2;
      wrong += z > 0 !== y[t][o] > 0.5;
    });
  }
  return { bits, wrong, asked };
};
