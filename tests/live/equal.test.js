// The page's JavaScript against golden vectors from torch in float64 (golden.py), in node: node --test, with the folder
// of the vectors in GOLDEN. test_live.py starts it.
"use strict";
const test = require("node:test"), assert = require("node:assert"), fs = require("node:fs"), path = require("node:path");
const live = path.join(__dirname, "../../ntm/live");
for (const name of ["equations", "machine"]) require(path.join(live, name + ".js"));
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
    const machine = NTM.load(new Uint8Array(fs.readFileSync(file)));
    const found = machine.run(x);
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
