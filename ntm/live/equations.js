// The equations of the paper, (2) to (9), as the chapters of this book name them; what
// ntm/addressing.py and ntm/memory.py compute, for one head of one machine. A memory M is a list of
// N rows of numbers; a weighting w is a Float64Array of N; k, e, a are rows. Every function returns
// anew, and changes nothing.
"use strict";
globalThis.NTM = globalThis.NTM || {};

NTM.ε = 1e-6; // inside each norm of the cosine: a zero row has similarity 0
NTM.tiny = 1e-12; // below this a weight counts as zero when its logarithm is taken
NTM.sum = (x) => x.reduce((total, value) => total + value, 0);
NTM.dot = (x, y) => {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * y[i];
  return total;
};
NTM.sigmoid = (x) => 1 / (1 + Math.exp(-x));
NTM.softplus = (x) => (x > 20 ? x : Math.log1p(Math.exp(x)));
NTM.softmax = (x) => {
  const most = x.reduce((a, b) => Math.max(a, b));
  const powers = Float64Array.from(x, (value) => Math.exp(value - most)), total = NTM.sum(powers);
  return powers.map((p) => p / total);
};

// Equation (6): the cosine K[k, M(i)] of a key with every row.
NTM.similarity = (M, k) => {
  const length = (x) => Math.sqrt(NTM.dot(x, x) + NTM.ε);
  return Float64Array.from(M, (row) => NTM.dot(k, row) / (length(k) * length(row)));
};

// Equation (5): w_c = softmax(β K[k, M(i)]), where to look by what is there.
NTM.content = (M, k, β) => NTM.softmax(NTM.similarity(M, k).map((K) => β * K));

// Equation (7): w_g = g w_c + (1 − g) w_prev, by content or from where the head was.
NTM.interpolate = (w_c, w_prev, g) => w_c.map((w, i) => g * w + (1 - g) * w_prev[i]);

// Equation (8): w_s(i) = Σ_j w_g(j) s(i − j), indices modulo N. The first entry of s is the offset
// −reach; mass on offset +1 moves the weighting from slot i to slot i + 1.
NTM.shift = (w_g, s) => {
  const N = w_g.length, reach = (s.length - 1) / 2;
  const from = (i, j) => w_g[(i - j + N) % N];
  return w_g.map((_, i) => s.reduce((total, share, n) => total + share * from(i, n - reach), 0));
};

// Equation (9): w(i) = w_s(i)^γ / Σ_j w_s(j)^γ, by logarithms, since the powers themselves
// underflow.
NTM.sharpen = (w_s, γ) => NTM.softmax(w_s.map((w) => γ * Math.log(Math.max(w, NTM.tiny))));

// Equations (5) to (9) in a row: from what a head emits and where it was, to where it is.
NTM.address = (M, { k, β, g, s, γ }, w_prev) => {
  const w_c = NTM.content(M, k, β), w_g = NTM.interpolate(w_c, w_prev, g), w_s = NTM.shift(w_g, s);
  return { w_c, w_g, w_s, w: NTM.sharpen(w_s, γ) };
};

// Hard moves instead of (5) to (9) (ntm.beyond.hard): stay, or go home to slot 0, whichever g finds
// likelier; then the likeliest of the steps.
NTM.most = (w) => w.indexOf(Math.max(...w)); // where the largest is
NTM.hardest = (p) => p.map((_, i) => Number(i === NTM.most(p)));
NTM.home = (M, { g, s }, w_prev) => {
  const w_g = g > 0.5 ? w_prev.map((_, i) => Number(i === 0)) : w_prev;
  return { w_g, w: NTM.shift(w_g, NTM.hardest(s)) };
};

// Equation (2): r = Σ_i w(i) M(i).
NTM.read = (M, w) => M[0].map((_, j) => M.reduce((r, row, i) => r + w[i] * row[j], 0));

// Equation (3): M̃(i) = M(i) [1 − w(i) e]; several heads erase one after the other, in any order.
NTM.erase = (M, w, e) => M.map((row, i) => row.map((m, j) => m * (1 - w[i] * e[j])));

// Equation (4): M(i) = M̃(i) + w(i) a; several heads add when all have erased, in any order.
NTM.add = (M, w, a) => M.map((row, i) => row.map((m, j) => m + w[i] * a[j]));
