"use strict";
(() => {
  const root = document.getElementById("explorer-of-examples");
  if (!root) return;

  const Z = 1.959963984540054;
  const LINKED = /^#example-(\d+)$/;
  const CURVE = { width: 72, height: 26, pad: 3, least: -0.1 };
  const ARRAYS = {
    i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array,
  };

  const form = root.querySelector("form");
  const list = root.querySelector(".list");
  const detail = root.querySelector(".detail");
  const tableElement = root.querySelector("table");
  const text = (id) => document.getElementById(id).textContent;

  /* Elements: everything goes in as text or nodes, nothing as markup. */

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  function draw(tag, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  function number(value, digits = 2, signed = false) {
    if (value === null) return "–";
    const rounded = value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");
    return signed && value > 0 && Number(rounded) !== 0 ? `+${rounded}` : rounded;
  }

  const percent = (share) => (share === null ? "–" : `${Math.floor(100 * share)}\u202f%`);
  const reach = (low, high) => (low === null ? "–" : `${number(low)} to ${number(high)}`);

  /* Data: see memanalysis/report/explorer/payload.py for the format. */

  function readColumns(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const about = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    const columns = new Map();
    for (const column of about.columns) {
      const values = new ARRAYS[column.type](buffer, 4 + length + column.start, column.length);
      columns.set(column.name, { ...column, values });
    }
    return { about, columns };
  }

  class Examples {
    constructor(buffer) {
      Object.assign(this, readColumns(buffer));
      this.rows = this.about.rows;
      this.rowOf = new Map();
      for (let row = 0; row < this.rows; row += 1) this.rowOf.set(this.read("id", row), row);
      this.sorted = new Map();
      this.pairs = this.pairsBy("pair_train");
      this.helpers = this.pairsBy("pair_partner");
    }

    has(name) {
      return this.columns.has(name);
    }

    read(name, row) {
      const column = this.columns.get(name);
      if (!column) return null;
      const code = column.values[row];
      return code === column.null ? null : column.offset + column.scale * code;
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

    // The share of examples that are easier by a proxy; where nobody says which end is hard, lower.
    rank(name, row) {
      const value = this.read(name, row);
      if (value === null) return null;
      const sign = this.about.proxies[Number(name.split(".")[1])].hard < 0 ? -1 : 1;
      const sorted = this.sortedBy(name, sign);
      return lowerBound(sorted, sign * value) / sorted.length;
    }

    sortedBy(name, sign) {
      if (!this.sorted.has(name)) {
        const values = Float64Array.from({ length: this.rows }, (_, row) => {
          const value = this.read(name, row);
          return value === null ? NaN : sign * value;
        });
        this.sorted.set(name, values.filter((value) => !Number.isNaN(value)).sort());
      }
      return this.sorted.get(name);
    }

    measure(key, row) {
      const [kind, o, s] = key.split(".");
      if (kind === "score") return this.score(o, s, row);
      if (kind !== "proxy") return this.read(key, row);
      const rank = this.rank(key, row);
      return rank === null ? null : 100 * rank;
    }

    className(label) {
      if (label === null) return "no label";
      return this.about.classes[label] ?? `class ${label}`;
    }

    label(row) {
      return this.className(this.read("label", row));
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
  }

  function wilson(rate, n) {
    const centre = (rate + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
    const half = Math.sqrt((Z ** 2 * rate * (1 - rate)) / n + (Z ** 2 / (2 * n)) ** 2) / (1 + Z ** 2 / n);
    return [centre - half, centre + half];
  }

  function lowerBound(sorted, value) {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /* Pictures */

  const sheets = [...root.querySelectorAll(".explorer-sheet")];
  const decoded = new Map();

  function sheet(place) {
    if (!decoded.has(place)) {
      const image = new Image();
      image.src = sheets[place].textContent;
      decoded.set(place, image.decode().then(() => image));
    }
    return decoded.get(place);
  }

  function picture(slot, description) {
    if (slot === null) return make("span", { class: "noimage", role: "img", "aria-label": "no image" }, "–");
    const { columns, count, width, height } = examples.about.tiles;
    const canvas = make("canvas", { width, height, role: "img", "aria-label": description });
    const tile = slot % count;
    sheet(Math.floor(slot / count)).then((image) => canvas.getContext("2d").drawImage(
      image, (tile % columns) * width, Math.floor(tile / columns) * height, width, height, 0, 0, width, height));
    return canvas;
  }

  function curve(o, row) {
    const { width, height, pad, least } = CURVE;
    const step = (width - 2 * pad) / Math.max(examples.about.sizes.length - 1, 1);
    const level = (value) => height - pad
      - ((Math.min(Math.max(value, least), 1) - least) / (1 - least)) * (height - 2 * pad);
    const points = examples.about.sizes
      .map((_, s) => [pad + s * step, examples.score(o, s, row)])
      .filter(([, value]) => value !== null)
      .map(([x, value]) => [x.toFixed(1), level(value).toFixed(1)]);
    const shape = examples.named("shapes", `shape.${o}`, row) ?? "ink";
    const drawing = draw("svg", { class: "curve", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    drawing.style.color = `var(--${shape})`;
    const zero = level(0).toFixed(1);
    drawing.append(
      draw("line", { class: "zero", x1: 0, x2: width, y1: zero, y2: zero }),
      draw("polyline", { points: points.map((point) => point.join(",")).join(" ") }),
      ...points.map(([cx, cy]) => draw("circle", { cx, cy, r: 1.9 })),
    );
    return drawing;
  }

  function shapeBadge(shape) {
    const dot = make("span", { class: "dot", "aria-hidden": "true" });
    dot.style.background = `var(--${shape})`;
    return make("span", { class: "shape" }, dot, shape);
  }

  /* Table */

  let examples;
  let table;
  let selected = null;

  // What the columns show: places in the lists of objectives, sizes and proxies.
  const view = { objective: 0, size: 0, proxy: "proxy.0", gain: "" };

  function readView() {
    const chosen = (name) => Number(form.elements[name].value || 0);
    const distilled = examples.about.distillations.map(([o]) => o);
    view.objective = chosen("objective");
    view.size = chosen("size");
    view.proxy = view.proxy;
    // The change of the chosen distilled objective, of the first one beside one-hot labels.
    const o = distilled.includes(view.objective) ? view.objective : distilled[0];
    view.gain = `gain.${o}.${view.size}`;
  }

  const link = (id) => make("a", { href: `#example-${id}` }, String(id));

  // What each column shows, and what it is sorted by.
  const cells = {
    image: { show: (row) => picture(examples.read("slot", row), `Example ${examples.read("id", row)}`) },
    id: { sort: (row) => examples.read("id", row), show: (row) => link(examples.read("id", row)) },
    label: {
      sort: (row) => examples.label(row),
      show: (row) => make("span", { class: "clamped", title: examples.label(row) }, examples.label(row)),
    },
    kind: {
      sort: (row) => examples.named("kinds", "kind", row) ?? "",
      show: (row) => examples.named("kinds", "kind", row) ?? "–",
    },
    shape: {
      sort: (row) => examples.named("shapes", `shape.${view.objective}`, row) ?? "",
      show: (row) => {
        const shape = examples.named("shapes", `shape.${view.objective}`, row);
        return shape === null ? "–" : shapeBadge(shape);
      },
    },
    curve: { show: (row) => curve(view.objective, row) },
    score: numeric((row) => examples.score(view.objective, view.size, row)),
    change: numeric((row) => examples.read(`change.${view.objective}`, row), true),
    gain: numeric((row) => examples.read(view.gain, row), true),
    proxy: {
      sort: (row) => examples.rank(view.proxy, row),
      show: (row) => percent(examples.rank(view.proxy, row)),
    },
  };

  function numeric(value, signed = false) {
    return { sort: value, show: (row) => number(value(row), 2, signed) };
  }

  function columnOf(head) {
    const { sort, show } = cells[head.dataset.column];
    const words = ["label", "kind", "shape"].includes(head.dataset.column);
    return {
      data: null,
      type: words ? "string" : "nulls-last",
      orderable: Boolean(sort),
      orderSequence: words || head.dataset.column === "id" ? ["asc", "desc"] : ["desc", "asc"],
      searchable: false,
      className: head.className,
      render: (_, kind, [row]) => {
        if (kind !== "display") return sort ? sort(row) : "";
        const shown = show(row);
        return shown instanceof Node ? shown : document.createTextNode(shown);
      },
    };
  }

  // Numbers with unknown ones last in both directions.
  function orderNumbers(DataTable) {
    const ordered = (sign) => (a, b) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (a - b);
    };
    DataTable.ext.type.order["nulls-last-asc"] = ordered(1);
    DataTable.ext.type.order["nulls-last-desc"] = ordered(-1);
  }

  const numbered = () => Array.from({ length: examples.rows }, (_, row) => [row]);

  function openTable(DataTable) {
    readView();
    orderNumbers(DataTable);
    const heads = [...tableElement.querySelectorAll("th")];
    const first = heads.findIndex((head) => head.dataset.column === "score");
    tableElement.hidden = false;
    table = new DataTable(tableElement, {
      data: numbered(),
      columns: heads.map(columnOf),
      order: first < 0 ? [] : [[first, "desc"]],
      pageLength: root.clientWidth < 640 ? 10 : 15,
      autoWidth: false,
      typeDetect: false,
      orderDescReverse: false,  // ties stay in the order of ids
      layout: { topStart: "info", topEnd: null, bottomStart: "pageLength", bottomEnd: "paging" },
      lengthMenu: [10, 15, 25, 50, 100],
      language: {
        info: "_START_ to _END_ of _TOTAL_ examples",
        infoEmpty: "No example matches",
        infoFiltered: "(of _MAX_)",
        zeroRecords: "No example matches these filters.",
        lengthMenu: "_MENU_ rows a page",
      },
      drawCallback: () => markSelected(),
    });
  }

  /* Filters */

  // One test per filter that is set; an example is shown where all hold.
  function tests() {
    const asked = new FormData(form);
    const found = [];
    const words = (asked.get("text") ?? "").toLocaleLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) found.push((row) => words.every((word) => wordsOf(row).includes(word)));
    const [label, shape, kind] = ["label", "shape", "kind"].map((name) => asked.get(name));
    if (label) found.push((row) => examples.read("label", row) === Number(label));
    if (shape) found.push((row) => examples.named("shapes", `shape.${view.objective}`, row) === shape);
    if (kind) found.push((row) => examples.named("kinds", "kind", row) === kind);
    if (asked.get("relabelled")) found.push(relabelled);
    return found.concat(ranges(asked));
  }

  function ranges(asked) {
    const [measures, from, to] = ["measure", "from", "to"].map((name) => asked.getAll(name));
    return measures.flatMap((key, place) => {
      if (!key || (from[place] === "" && to[place] === "")) return [];
      const low = from[place] === "" ? -Infinity : Number(from[place]);
      const high = to[place] === "" ? Infinity : Number(to[place]);
      return [(row) => {
        const value = examples.measure(key, row);
        return value !== null && low <= value && value <= high;
      }];
    });
  }

  function relabelled(row) {
    const clean = examples.read("clean_label", row);
    return clean !== null && clean !== examples.read("label", row);
  }

  let haystacks = [];

  function wordsOf(row) {
    haystacks[row] ??= [
      examples.read("id", row), examples.label(row), examples.about.sources[row],
      examples.named("kinds", "kind", row),
    ].filter((part) => part !== null && part !== undefined).join(" ").toLocaleLowerCase();
    return haystacks[row];
  }

  function filter() {
    const found = tests();
    table.search.fixed("filters", found.length ? (_, __, row) => found.every((test) => test(row)) : null);
    table.draw();
    list.removeAttribute("aria-busy");
  }

  // Another objective, size or proxy changes what cells say and what they are sorted by.
  function showOthers() {
    readView();
    // Cheaper than invalidating: DataTables would draw every row anew, seen or not.
    table.clear();
    table.rows.add(numbered());
    filter();
    if (selected !== null && !detail.hidden) show(selected);
  }

  function addRange() {
    const ranges = root.querySelector(".ranges");
    const added = ranges.firstElementChild.cloneNode(true);
    for (const input of added.querySelectorAll("input")) input.value = "";
    ranges.append(added);
    added.querySelector("select").focus();
  }

  /* Download */

  const quoted = (value) => {
    const written = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(written) ? `"${written.replaceAll('"', '""')}"` : written;
  };

  // Columns of the download: a title, and a row's value.
  function fields() {
    const { objectives, sizes, proxies, distillations } = examples.about;
    const found = [
      ["example_id", (row) => examples.read("id", row)],
      ["source_id", (row) => examples.about.sources[row]],
      ["label", (row) => examples.read("label", row)],
      ["class_name", (row) => examples.label(row)],
      ["clean_label", (row) => examples.read("clean_label", row)],
      ["kind", (row) => examples.named("kinds", "kind", row)],
    ];
    objectives.forEach((objective, o) => {
      found.push([`shape_${objective}`, (row) => examples.named("shapes", `shape.${o}`, row)]);
      found.push([`change_${objective}`, (row) => examples.read(`change.${o}`, row)]);
      sizes.forEach((size, s) => {
        if (!examples.has(`hits_in.${o}.${s}`)) return;
        const end = `${objective}_${size}`;
        found.push([`memorization_${end}`, (row) => examples.score(o, s, row)]);
        found.push([`ci_low_${end}`, (row) => examples.interval(o, s, row)[0]]);
        found.push([`ci_high_${end}`, (row) => examples.interval(o, s, row)[1]]);
        found.push([`n_in_${end}`, (row) => examples.read(`n_in.${o}.${s}`, row)]);
        found.push([`n_out_${end}`, (row) => examples.read(`n_out.${o}.${s}`, row)]);
      });
    });
    for (const [o, s] of distillations) {
      found.push([`change_by_${objectives[o]}_${sizes[s]}`, (row) => examples.read(`gain.${o}.${s}`, row)]);
    }
    proxies.forEach((proxy, place) => found.push(
      [`${proxy.name}_${proxy.objective}_${proxy.size}`, (row) => examples.read(`proxy.${place}`, row)]));
    return found.filter(([, value], place) => place < 1 || shown().some((row) => (value(row) ?? null) !== null));
  }

  const shown = () => table.rows({ search: "applied", order: "applied" }).indexes().toArray();

  function download() {
    const wanted = fields();
    const lines = [wanted.map(([title]) => quoted(title))];
    for (const row of shown()) lines.push(wanted.map(([, value]) => quoted(value(row))));
    const file = new Blob([lines.map((line) => line.join(",")).join("\r\n"), "\r\n"], { type: "text/csv" });
    const url = URL.createObjectURL(file);
    make("a", { href: url, download: `${examples.about.study}-examples.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  /* One example */

  const heading = () => detail.querySelector("h3");
  const rowLinks = () => [...tableElement.querySelectorAll('tbody a[href^="#example-"]')];
  const linkOf = (row) => rowLinks().find((a) => a.hash === `#example-${examples.read("id", row)}`);

  function markSelected() {
    for (const a of rowLinks()) {
      const here = selected !== null && a.hash === `#example-${examples.read("id", selected)}`;
      a.toggleAttribute("aria-current", here);
      if (here) a.setAttribute("aria-current", "true");
      a.closest("tr").classList.toggle("selected", here);
    }
  }

  function grid(title, heads, lines) {
    const head = make("tr", {}, ...heads.map((name, place) =>
      make("th", { scope: "col", class: place ? "n" : null }, name)));
    const body = lines.map(([first, ...rest]) => make("tr", {},
      make("th", { scope: "row" }, first), ...rest.map((value) => make("td", { class: "n" }, value))));
    const made = make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
    return [make("h4", {}, title), make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, made)];
  }

  function facts(row) {
    const { sources, objectives, titles } = examples.about;
    const clean = examples.read("clean_label", row);
    const found = [["Class", examples.label(row)]];
    if (clean !== null) found.push(["Clean label", examples.className(clean)]);
    if (examples.has("kind")) found.push(["Kind", examples.named("kinds", "kind", row) ?? "unknown"]);
    if (sources[row]) found.push(["Source", sources[row]]);
    objectives.forEach((_, o) => {
      const shape = examples.named("shapes", `shape.${o}`, row);
      if (shape === null) return;
      const name = objectives.length > 1 ? `Trajectory, ${titles[o]}` : "Trajectory";
      found.push([name, make("span", {}, shapeBadge(shape), changeText(row, o))]);
    });
    return make("dl", {}, ...found.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  }

  function changeText(row, o) {
    const value = examples.read(`change.${o}`, row);
    if (value === null) return "";
    const [low, high] = limits(`change.${o}`, `change_se.${o}`, row);
    return `, change ${number(value, 2, true)}${low === null ? "" : ` (${reach(low, high)})`}`;
  }

  function scoreLines(row) {
    const { objectives, titles, sizes } = examples.about;
    return objectives.flatMap((_, o) => sizes.flatMap((size, s) => {
      const counts = examples.counts(o, s, row);
      if (!counts) return [];
      const [low, high] = examples.interval(o, s, row);
      return [{ o, size, objective: titles[o], memorization: examples.score(o, s, row), ci_low: low, ci_high: high, ...counts }];
    }));
  }

  function scoreTables(lines) {
    const heads = ["size", "score", "95 % interval", "trained", "held out"];
    return examples.about.titles.flatMap((title, o) => {
      const mine = lines.filter((line) => line.o === o);
      return mine.length === 0 ? [] : grid(`Scores, ${title}`, heads, mine.map((line) => [
        line.size, number(line.memorization), reach(line.ci_low, line.ci_high),
        `${line.hitsIn}/${line.nIn}`, `${line.hitsOut}/${line.nOut}`]));
    });
  }

  function gains(row) {
    const { distillations, sizes, titles } = examples.about;
    const several = new Set(distillations.map(([o]) => o)).size > 1;
    const lines = distillations.map(([o, s]) => [
      several ? `${titles[o]}, ${sizes[s]}` : sizes[s],
      number(examples.read(`gain.${o}.${s}`, row), 2, true),
      reach(...limits(`gain.${o}.${s}`, `gain_se.${o}.${s}`, row))]);
    return lines.length ? grid("Change by distilling", ["size", "change", "95 % interval"], lines) : [];
  }

  function limits(name, error, row) {
    const [value, se] = [examples.read(name, row), examples.read(error, row)];
    return value === null || se === null ? [null, null] : [value - Z * se, value + Z * se];
  }

  function proxies(row) {
    const groups = new Map();
    examples.about.proxies.forEach((proxy, place) => {
      const value = examples.read(`proxy.${place}`, row);
      const line = [proxy.short, value === null ? "–" : String(Number(value.toPrecision(3))).replace("-", "−"),
        percent(examples.rank(`proxy.${place}`, row))];
      groups.set(proxy.group, [...(groups.get(proxy.group) ?? []), line]);
    });
    return [...groups].flatMap(([group, lines]) =>
      grid(`Proxies, ${group}`, ["proxy", "value", "harder than"], lines));
  }

  function pairTile(pair, column) {
    const id = examples.read(column, pair);
    const own = examples.rowOf.get(id);
    const test = column === "pair_partner" && examples.read("pair_test", pair) === 1;
    const slot = own === undefined ? examples.read("pair_slot", pair) : examples.read("slot", own);
    const label = own === undefined ? examples.className(examples.read("pair_label", pair)) : examples.label(own);
    const where = [examples.named("titles", "pair_objective", pair), examples.named("sizes", "pair_size", pair)];
    const name = test || own === undefined ? make("span", {}, `test ${id}`) : make("a", { href: `#example-${id}` }, `№ ${id}`);
    return make("li", { title: where.filter(Boolean).join(", ") },
      picture(slot, `Example ${id}, ${label}`), name, make("span", { class: "label" }, label),
      make("span", {}, number(examples.read("pair_influence", pair), 2, true)));
  }

  function influence(row) {
    const id = examples.read("id", row);
    const lists = [["Helps to get right", examples.pairs.get(id), "pair_partner"],
      ["Is helped by", examples.helpers.get(id), "pair_train"]].filter(([, pairs]) => pairs);
    if (lists.length === 0) {
      const why = examples.pairs.size ? "no pair with this example stands out." : "no pair of examples stands out in this store.";
      return [make("p", { class: "quiet" }, `Influence: ${why}`)];
    }
    return lists.flatMap(([title, pairs, column]) => [make("h4", {}, title),
      make("ul", { class: "partners" }, ...pairs.slice(0, 6).map((pair) => pairTile(pair, column)))]);
  }

  function buttons() {
    const go = (title, action) => {
      const button = make("button", { type: "button" }, title);
      button.addEventListener("click", action);
      return button;
    };
    return make("p", { class: "actions" }, go("Previous", () => step(-1)), go("Next", () => step(1)),
      go("Close", close));
  }

  function show(row) {
    const id = examples.read("id", row);
    const lines = scoreLines(row);
    const chart = detail.querySelector(".scores") ?? make("div", { class: "scores" });
    const title = make("h3", { tabindex: -1 }, `Example ${id}`);
    const image = picture(examples.read("slot", row), `Training example ${id}, labelled ${examples.label(row)}`);
    image.classList.add("large");
    detail.hidden = false;
    detail.replaceChildren(make("div", { class: "top" }, title, buttons()),
      make("div", { class: "portrait" }, image, facts(row)), chart, ...scoreTables(lines), ...gains(row),
      ...proxies(row), ...influence(row));
    chart.hidden = lines.length === 0;
    if (lines.length) drawScores(chart, lines);
  }

  let drawn = null;
  let latest = null;

  // One chart serves all examples: only its rows change.
  async function drawScores(element, lines) {
    latest = lines;
    try {
      drawn ??= openChart(element, lines);
      const view = await drawn;
      if (latest === lines) await view.data("scores", lines).runAsync();
    } catch (error) {
      element.hidden = true;
      console.error(error);
    }
  }

  async function openChart(element, lines) {
    const { vegaEmbed, config } = await charts.drawing();
    const spec = JSON.parse(text("explorer-chart"));
    spec.description = "The example's score with its 95 % interval by model size; the numbers are in the tables below.";
    spec.datasets = { scores: lines };
    spec.width = Math.max(160, Math.min(detail.clientWidth - 90, 420));
    const result = await vegaEmbed(element, spec, { renderer: "svg", actions: false, config });
    return result.view;
  }

  /* Selection */

  const go = (row) => location.replace(`#example-${examples.read("id", row)}`);

  function select(row, bringHere) {
    selected = row;
    const order = shown();
    const place = order.indexOf(row);
    const page = Math.floor(place / table.page.len());
    if (place >= 0 && page !== table.page()) table.page(page).draw("page");
    else markSelected();
    show(row);
    if (bringHere) {
      root.querySelector(".found").scrollIntoView({ block: "start" });
      heading().focus({ preventScroll: true });
    }
  }

  function backToTable() {
    const target = linkOf(selected) ?? rowLinks()[0];
    target?.focus();
  }

  // The address forgets the example too, so that the same link opens it again.
  function close() {
    const row = selected;
    selected = null;
    detail.hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
    markSelected();
    (linkOf(row) ?? rowLinks()[0])?.focus();
  }

  function step(by) {
    const order = shown();
    const next = order[order.indexOf(selected) + by];
    if (next === undefined) return;
    const label = document.activeElement.textContent;
    go(next);
    // The panel is made anew: leave the focus on the same button.
    follow();
    [...detail.querySelectorAll("button")].find((button) => button.textContent === label)?.focus();
  }

  // Whatever leads to #example-12 selects that example: rows, partners, tiles of other sections.
  function follow() {
    const match = LINKED.exec(location.hash);
    const row = match && examples.rowOf.get(Number(match[1]));
    if (row === undefined || row === null || row === selected) return;
    select(row, !root.contains(document.activeElement));
  }

  // Arrow keys move through the rows and over the ends of pages; with an example open, they open.
  function moveFocus(event) {
    const links = rowLinks();
    const from = links.indexOf(event.target.closest("a"));
    const steps = { ArrowDown: from + 1, ArrowUp: from - 1, Home: 0, End: links.length - 1 };
    if (from < 0 || !(event.key in steps)) return;
    event.preventDefault();
    let target = links[steps[event.key]];
    if (!target) {
      const down = event.key === "ArrowDown";
      const page = table.page();
      table.page(down ? "next" : "previous").draw("page");
      if (table.page() === page) return;
      target = rowLinks().at(down ? 0 : -1);
    }
    target.focus();
    if (selected !== null) location.replace(target.hash);
  }

  function listen() {
    let waiting;
    const soon = () => {
      list.setAttribute("aria-busy", "true");
      clearTimeout(waiting);
      waiting = setTimeout(filter, 150);
    };
    form.addEventListener("input", (event) => {
      if (["objective", "size", "proxy"].includes(event.target.name)) showOthers();
      else soon();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(showOthers));
    root.querySelector('[data-explorer="rows"]').addEventListener("click", download);
    root.querySelector('[data-explorer="range"]')?.addEventListener("click", addRange);
    tableElement.addEventListener("keydown", moveFocus);
    tableElement.addEventListener("click", (event) => {
      const a = event.target.closest("tbody tr")?.querySelector("a");
      if (!a) return;
      if (a !== event.target) location.replace(a.hash);
      // A click without a pointer is the Enter key: go on reading in the panel.
      else if (event.detail === 0) setTimeout(() => { follow(); heading()?.focus(); });
    });
    detail.addEventListener("keydown", (event) => {
      if (event.key === "Escape") backToTable();
    });
    window.addEventListener("hashchange", follow);
  }

  async function open() {
    try {
      const [{ default: DataTable }, data] = await Promise.all([
        packed.module("explorer-library"), packed.read("explorer-data"),
      ]);
      examples = new Examples(await data.arrayBuffer());
      openTable(DataTable);
      listen();
      form.querySelector("fieldset").disabled = false;
      root.querySelector(".waiting").remove();
      follow();
      root.dataset.open = "yes";
    } catch (error) {
      root.querySelector(".waiting").textContent = "This browser could not open the table of examples.";
      console.error(error);
    }
    list.removeAttribute("aria-busy");
  }

  let opened;
  const openOnce = () => { opened ??= open(); };
  const near = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) openOnce();
  }, { rootMargin: "800px" });
  near.observe(root);
  const openLinked = () => { if (LINKED.test(location.hash)) openOnce(); };
  window.addEventListener("hashchange", openLinked);
  openLinked();
})();
