// The paper's five tasks, one sequence at a time, with the channels of ntm/tasks.py. A task has
// `inputs` and `outputs`; `sequence(...)` makes of given data the sequence { x, y, mask }: rows of
// inputs, rows of targets, 1 where a step is scored; `draw(random, sizes)` draws such data.
// `sizes`: what can be asked for, [least, most, most in training] of each.
"use strict";

// A seeded generator of our own (sfc32); other numbers than torch's, the same distributions.
// stream: a second, third ... independent one of the same seed.
NTM.random = (seed, stream = 0) => {
  let a = seed | 0, b = stream | 0, c = 0x9e3779b9, d = 1;
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 20; i++) next();
  const uniform = () => next() / 2 ** 32, bit = () => next() >>> 31;
  const vector = (width) => Float64Array.from({ length: width }, bit);
  return {
    uniform, bits: (n, width) => Array.from({ length: n }, () => vector(width)),
    integer: (low, high) => low + Math.floor(uniform() * (high - low + 1)), // both included
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
};

// T steps of silence, without a target, scored from step `from` on.
NTM.blank = ({ inputs, outputs }, T, from) => {
  const rows = (width) => Array.from({ length: T }, () => new Float64Array(width));
  return { x: rows(inputs), y: rows(outputs), mask: new Float64Array(T).fill(1, from) };
};
NTM.sample = (task, random, sizes = {}) => task.sequence(...task.draw(random, sizes));
// Put vectors into rows, from row `at` on.
NTM.put = (rows, at, vectors) => vectors.forEach((vector, i) => rows[at + i].set(vector));

// See a sequence and a number n, then write the sequence n times and an end marker. marks: 1 where
// the number is shown as so many marks, 0 where it is one number.
NTM.repeat_copy = (marks) => ({
  inputs: 8 + marks, outputs: 7, sizes: { length: [1, 20, 10], repeats: [1, 20, 10] },
  sequence(vectors, n) {
    const L = vectors.length, go = L + 1 + marks * n, end = go + L * n + 1;
    const sequence = NTM.blank(this, end + 1, go + 1), { x, y } = sequence;
    x[0][6] = y[end][6] = 1;
    NTM.put(x, 1, vectors);
    for (let t = L + 1; t < go; t++) x[t][7] = 1;
    x[go][7 + marks] = marks || (n - 5.5) / Math.sqrt(99 / 12); // of 1 to 10: mean 0, deviation 1
    for (let t = go + 1; t < end; t += L) NTM.put(y, t, vectors);
    return sequence;
  },
  draw: (random, { length = random.integer(1, 10), repeats = random.integer(1, 10) }) =>
    [random.bits(length, 6), repeats],
});

NTM.tasks = () => ({
  // See a sequence of random bit vectors, then write it out.
  copy: {
    inputs: 10, outputs: 8, sizes: { length: [1, 120, 20] },
    sequence(vectors) {
      const L = vectors.length, sequence = NTM.blank(this, 2 * L + 2, L + 2), { x, y } = sequence;
      x[0][8] = x[L + 1][9] = 1;
      NTM.put(x, 1, vectors);
      NTM.put(y, L + 2, vectors);
      return sequence;
    },
    draw: (random, { length = random.integer(1, 20) }) => [random.bits(length, 8)],
  },
  repeat_copy: NTM.repeat_copy(0), repeat_copy_marks: NTM.repeat_copy(1),
  // See some items of three vectors, then one of them again: write out the item that came after it.
  associative_recall: {
    inputs: 8, outputs: 6, sizes: { items: [2, 20, 6] },
    sequence(items, query) {
      const mark = 4 * items.length, sequence = NTM.blank(this, mark + 8, mark + 5);
      const { x, y } = sequence;
      for (const [n, item] of items.entries()) {
        x[4 * n][6] = 1;
        NTM.put(x, 4 * n + 1, item);
      }
      x[mark][7] = x[mark + 4][7] = 1;
      NTM.put(x, mark + 1, items[query]);
      NTM.put(y, mark + 5, items[query + 1]);
      return sequence;
    },
    draw: (random, { items = random.integer(2, 6) }) =>
      [Array.from({ length: items }, () => random.bits(3, 6)), random.integer(0, items - 2)],
  },
  // See bits whose odds hang on the five before, by a table of the sequence's own, predict the
  // next.
  ngrams: {
    inputs: 1, outputs: 1, sizes: { length: [20, 200, 200] },
    sequence(bits) {
      const rows = bits.map((bit) => Float64Array.of(bit)), x = rows.slice(0, -1);
      return { x, y: rows.slice(1), mask: new Float64Array(x.length).fill(1, 4) };
    },
    draw(random, { length = 200 }) {
      const odds = () => Math.sin((random.uniform() * Math.PI) / 2) ** 2; // Beta(1/2, 1/2)
      const table = Array.from({ length: 32 }, odds), bits = [];
      for (let i = 0, seen = 0; i < length; i++) {
        bits.push(Number(random.uniform() < (i < 5 ? 0.5 : table[seen])));
        seen = (2 * seen + bits[i]) % 32;
      }
      return [bits];
    },
  },
  // See vectors with priorities, write out the 16 of highest priority in descending order.
  priority_sort: {
    inputs: 10, outputs: 8, sizes: {},
    sequence(vectors, priorities) {
      const n = vectors.length, order = [...vectors.keys()];
      order.sort((i, j) => priorities[j] - priorities[i]).splice(16);
      const sequence = NTM.blank(this, n + 1 + order.length, n + 1), { x, y } = sequence;
      NTM.put(x, 0, vectors);
      for (const [i, priority] of priorities.entries()) x[i][8] = priority;
      x[n][9] = 1;
      NTM.put(y, n + 1, order.map((i) => vectors[i]));
      return sequence;
    },
    draw(random, { vectors = 20 }) {
      const priorities = Array.from({ length: vectors }, () => 2 * random.uniform() - 1);
      return [random.bits(vectors, 8), priorities];
    },
  },
});

// The paper's cost in bits, and how many of the scored bits are wrong, of the logits of a sequence.
NTM.score = (logits, { y, mask }) => {
  let bits = 0, wrong = 0, asked = 0;
  for (const [t, row] of logits.entries()) {
    for (let i = 0; i < row.length && mask[t]; i++, asked++) {
      const z = row[i], cost = Math.max(z, 0) - z * y[t][i] + Math.log1p(Math.exp(-Math.abs(z)));
      bits += cost / Math.LN2;
      wrong += z > 0 !== y[t][i] > 0.5;
    }
  }
  return { bits, wrong, asked };
};
