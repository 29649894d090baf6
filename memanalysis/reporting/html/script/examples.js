"use strict";
// The numbers of all examples, and what follows from them. The format of the data is described in
// memanalysis/reporting/explorer/payload.py; keys such as score.0.4 end in places of the page's lists.
const Examples = (() => {
  const Z = 1.959963984540054;
  const ARRAYS = {
    i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array,
  };

  function wilson(rate, n) {
    const centre = (rate + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
    const half = Math.sqrt((Z ** 2 * rate * (1 - rate)) / n + (Z ** 2 / (2 * n)) ** 2) / (1 + Z ** 2 / n);
    return [centre - half, centre + half];
  }

  // How many of the sorted values are smaller.
  function below(sorted, value) {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return class {
    constructor(buffer) {
      const length = new DataView(buffer).getUint32(0, true);
      this.about = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
      this.columns = new Map(this.about.columns.map((column) => [column.name, {
        ...column, values: new ARRAYS[column.type](buffer, 4 + length + column.start, column.length),
      }]));
      this.rows = this.about.rows;
      this.rowOf = new Map(Array.from({ length: this.rows }, (_, row) => [this.read("id", row), row]));
      this.sorted = new Map();
      this.pairs = this.pairsBy("pair_train");
      this.helpers = this.pairsBy("pair_partner");
    }

    // What a stored column holds.
    read(name, row) {
      const column = this.columns.get(name);
      if (!column) return null;
      const code = column.values[row];
      return code === column.null ? null : column.offset + column.scale * code;
    }

    // What a key means: one of the functions below, else a stored column.
    value(key, row) {
      const [kind, o, s] = key.split(".");
      switch (kind) {
        case "score": return this.score(o, s, row);
        case "low": return this.interval(o, s, row)[0];
        case "high": return this.interval(o, s, row)[1];
        case "rank": return this.rank(`proxy.${o}`, row);
        case "class": return this.className(this.read("label", row));
        case "kind": return this.named("kinds", key, row);
        case "shape": return this.named("shapes", key, row);
        case "source": return this.about.sources[row] ?? null;
        default: return this.read(key, row);
      }
    }

    counts(o, s, row) {
      const [nIn, nOut, hitsIn, hitsOut] = ["n_in", "n_out", "hits_in", "hits_out"].map((name) =>
        this.read(`${name}.${o}.${s}`, row));
      return nIn > 0 && nOut > 0 ? { nIn, nOut, hitsIn, hitsOut } : null;
    }

    score(o, s, row) {
      const c = this.counts(o, s, row);
      return c && c.hitsIn / c.nIn - c.hitsOut / c.nOut;
    }

    // Newcombe's hybrid of Wilson limits, as in the relation memorization.
    interval(o, s, row) {
      const c = this.counts(o, s, row);
      if (!c) return [null, null];
      const [rateIn, rateOut] = [c.hitsIn / c.nIn, c.hitsOut / c.nOut];
      const [lowIn, highIn] = wilson(rateIn, c.nIn);
      const [lowOut, highOut] = wilson(rateOut, c.nOut);
      const score = rateIn - rateOut;
      return [
        score - Math.hypot(rateIn - lowIn, highOut - rateOut),
        score + Math.hypot(highIn - rateIn, rateOut - lowOut),
      ];
    }

    // The interval of a change, from the standard error stored beside it.
    limits(key, row) {
      const [value, se] = [this.read(key, row), this.read(key.replace(".", "_se."), row)];
      return value === null || se === null ? [null, null] : [value - Z * se, value + Z * se];
    }

    // The share of examples, in percent, that are easier by a proxy; where nobody says which end is
    // hard, lower.
    rank(name, row) {
      const value = this.read(name, row);
      if (value === null) return null;
      const sign = this.about.proxies[Number(name.split(".")[1])].hard < 0 ? -1 : 1;
      if (!this.sorted.has(name)) {
        const values = Array.from({ length: this.rows }, (_, other) => this.read(name, other));
        const known = values.filter((other) => other !== null).map((other) => sign * other);
        this.sorted.set(name, Float64Array.from(known).sort());
      }
      const sorted = this.sorted.get(name);
      return (100 * below(sorted, sign * value)) / sorted.length;
    }

    className(label) {
      if (label === null) return "no label";
      return this.about.classes[label] ?? `class ${label}`;
    }

    named(list, name, row) {
      const place = this.read(name, row);
      return place === null ? null : this.about[list][place];
    }

    pairsBy(name) {
      const found = new Map();
      for (let pair = 0; pair < (this.columns.get(name)?.length ?? 0); pair += 1) {
        const id = this.read(name, pair);
        if (!found.has(id)) found.set(id, []);
        found.get(id).push(pair);
      }
      return found;
    }
  };
})();
