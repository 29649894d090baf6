"use strict";
// The table of all examples: columns, filters, download, keys, and which example is open.
(() => {
  const root = document.getElementById("explorer-of-examples");
  if (!root) return;

  const { make, number, signed, percent, shapeBadge, curve } = pieces;
  // #example-12, #explorer?label=3, #example-12?label=3&sort=change
  const ADDRESS = /^#(?:example-(\d+)|explorer)(?:\?(.*))?$/;
  const WORDS = ["label", "kind", "shape"];  // columns of words; all others hold numbers
  const form = root.querySelector("form");
  const list = root.querySelector(".list");
  const detail = root.querySelector(".detail");
  const tableElement = root.querySelector("table");

  let examples;
  let table;
  let picture;
  let showDetail;
  let selected = null;
  const marks = new Set();  // ids of examples

  /* Table */

  // What the columns are sorted by: keys of the chosen objective, size and proxy.
  let keys = {};

  function readKeys() {
    const [o, s, proxy] = ["objective", "size", "proxy"].map((name) => Number(form.elements[name].value || 0));
    const distilled = examples.about.distillations.map(([objective]) => objective);
    // The change of the chosen distilled objective, of the first one beside one-hot labels.
    const gained = distilled.includes(o) ? o : distilled[0];
    keys = {
      id: "id", label: "class", kind: "kind", shape: `shape.${o}`, score: `score.${o}.${s}`,
      change: `change.${o}`, gain: `gain.${gained}.${s}`, proxy: `rank.${proxy}`,
      scores: examples.about.sizes.map((_, size) => `score.${o}.${size}`),
    };
    nameColumns(o, s, gained, proxy);
  }

  // What the scores, changes and ranks of the columns are of, under their titles.
  function nameColumns(o, s, gained, proxy) {
    const { sizes, titles, proxies } = examples.about;
    const size = sizes.length > 1 ? sizes[s] : "";
    const of = { score: titles.length > 1 ? [titles[o], size] : [size], gain: [size], proxy: [proxies[proxy]?.short, proxies[proxy]?.group] };
    if (proxies[proxy]?.hard === 0) of.proxy.push("by value");
    if (new Set(examples.about.distillations.map(([own]) => own)).size > 1) of.gain.unshift(titles[gained]);
    for (const [name, parts] of Object.entries(of)) {
      const place = list.querySelector(`th.col-${name} small`);
      if (place) place.textContent = parts.filter(Boolean).join(", ");
    }
  }

  const nameOf = (row) => make("span", { class: "clamped", title: examples.value("class", row) }, examples.value("class", row));
  const linkTo = (id) => make("a", { href: `#example-${id}` }, String(id));

  // How a column shows a row, from the value that it is sorted by.
  const cells = {
    image: (_, row) => picture(examples.read("slot", row), `Example ${examples.read("id", row)}`),
    id: (id) => make("span", { class: marks.has(id) ? "marked" : null }, linkTo(id)),
    label: (_, row) => nameOf(row),
    kind: (kind) => (kind === null ? "–" : examples.about.kind_titles[kind] ?? kind),
    shape: (shape) => (shape === null ? "–" : shapeBadge(shape)),
    curve: (_, row) => curve(keys.scores.map((key) => examples.value(key, row)), examples.value(keys.shape, row)),
    score: (score) => number(score),
    change: signed,
    gain: signed,
    proxy: percent,
  };

  // The directions that a column is sorted in, one after the other: of numbers the large ones first.
  const directions = (name) => (name === "id" || WORDS.includes(name) ? ["asc", "desc"] : ["desc", "asc"]);

  function columnOf(head) {
    const name = head.dataset.column;
    const words = WORDS.includes(name);
    const sorted = !["image", "curve"].includes(name);
    const value = (row) => (sorted ? examples.value(keys[name], row) : null);
    return {
      data: null,
      type: words ? "string" : "nulls-last",
      orderable: sorted,
      orderSequence: directions(name),
      searchable: false,
      className: head.className,
      render: (_, kind, [row]) => {
        if (kind !== "display") return value(row) ?? (words ? "" : null);
        const shown = cells[name](value(row), row);
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
    readKeys();
    orderNumbers(DataTable);
    const heads = [...tableElement.querySelectorAll("th")];
    const first = heads.findIndex((head) => head.dataset.column === "score");
    tableElement.hidden = false;
    table = new DataTable(tableElement, {
      data: numbered(),
      columns: heads.map(columnOf),
      order: first < 0 ? [] : [[first, "desc"]],
      pageLength: 10,
      autoWidth: false,
      typeDetect: false,
      orderDescReverse: false,  // ties stay in the order of ids
      layout: { topStart: "info", topEnd: null, bottomStart: "pageLength", bottomEnd: "paging" },
      lengthMenu: [10, 25, 50, 100],
      language: {
        zeroRecords: "No example matches these filters.",
        lengthMenu: "_MENU_ rows a page",
      },
      infoCallback: (_, start, end, max, total) => {
        if (total === 0) return "No example matches";
        const count = total === 1 ? "1 example" : `${start} to ${end} of ${total} examples`;
        return total < max ? `${count} (of ${max})` : count;
      },
      drawCallback: () => markSelected(),
    });
    table.on("order", showOrder);
    showOrder();
  }

  // Narrow screens have a choice instead of the heads of columns, and show the column chosen.
  function showOrder() {
    const [column] = table.order()[0] ?? [];
    if (column === undefined) return;
    list.dataset.sorted = table.column(column).header().dataset.column;
    form.elements.sort.value = list.dataset.sorted;
  }

  function sortBy(name, direction = directions(name)[0]) {
    const heads = table.columns().header().toArray();
    const at = heads.findIndex((head) => head.dataset.column === name);
    if (at >= 0) table.order([[at, direction]]).draw();
  }

  /* Address: what is asked for stands behind the example, so that a view can be sent. */

  function state() {
    const found = new URLSearchParams();
    for (const element of form.elements) {
      const { name, type } = element;
      if (!name || ["sort", "marks", "measure"].includes(name) || type === "button") continue;
      const standard = type === "checkbox" ? element.defaultChecked : [...element.options ?? []].find((o) => o.defaultSelected)?.value ?? element.options?.[0]?.value ?? "";
      const value = type === "checkbox" ? element.checked : element.value;
      if (value !== standard) found.append(name, type === "checkbox" ? "yes" : value);
      if (["from", "to"].includes(name) && value !== "") found.append("measure", element.closest(".range").querySelector("[name=measure]").value);
    }
    const [column, direction] = table.order()[0] ?? [];
    const sorted = column === undefined ? "" : table.column(column).header().dataset.column;
    if (sorted && (sorted !== "score" || direction !== "desc")) found.set("sort", `${sorted}.${direction}`);
    if (marks.size) found.set("marks", [...marks].join("."));
    return found.toString();
  }

  function keepAddress() {
    const now = state();
    const example = selected === null ? (now ? "#explorer" : "") : hashOf(selected);
    const wanted = example + (now ? `?${now}` : "");
    if (wanted === location.hash || (!wanted && !ADDRESS.test(location.hash))) return;
    history.replaceState(null, "", wanted || location.pathname + location.search);
  }

  // A view from elsewhere: only fields that are there and values that they can have.
  function readAddress() {
    const [, , query] = ADDRESS.exec(location.hash) ?? [];
    if (query === undefined) return;
    const asked = new URLSearchParams(query);
    for (const id of (asked.get("marks") ?? "").split(".").filter(Boolean).map(Number)) {
      if (examples.rowOf.has(id)) marks.add(id);
    }
    for (const [name, value] of asked) {
      const element = form.elements.namedItem(name);
      if (!(element instanceof HTMLInputElement || element instanceof HTMLSelectElement)) continue;
      if (element.type === "checkbox") element.checked = value === "yes";
      else element.value = value;
    }
    if (["shape", "kind", "relabelled", "suspect", "objective", "proxy", "from", "to"].some((name) => asked.has(name))) {
      root.querySelector(".more").open = true;
    }
    countMarks();
    readKeys();
    const [name, direction] = (asked.get("sort") ?? "").split(".");
    if (name) sortBy(name, direction);
    filter();
    charts.show(root);
  }

  /* Marks */

  function countMarks() {
    form.elements.marks.value = String(marks.size);
    const button = detail.querySelector("[data-explorer=mark]");
    const marked = selected !== null && marks.has(examples.read("id", selected));
    button.setAttribute("aria-pressed", String(marked));
    button.textContent = marked ? "Marked" : "Mark";
  }

  function mark(row) {
    if (row === null || row === undefined) return;
    const id = examples.read("id", row);
    if (!marks.delete(id)) marks.add(id);
    for (const a of rowLinks()) if (a.hash === hashOf(row)) a.parentElement.className = marks.has(id) ? "marked" : "";
    countMarks();
    if (form.elements.marked.checked) filter();
    else keepAddress();
  }

  // The letter m marks the row that has the focus, else the example that is open.
  function markByKey(event) {
    if (event.key !== "m" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) return;
    const a = event.target.closest?.("tbody tr")?.querySelector('a[href^="#example-"]');
    mark(a ? examples.rowOf.get(Number(a.hash.slice(9))) : selected);
  }

  const presets = {
    suspects: () => { form.elements.suspect.checked = true; sortBy("score"); },
    memorised: () => sortBy("score"),
    rising: () => sortBy("change"),
  };

  function startWith(event) {
    form.reset();
    setTimeout(() => {
      presets[event.target.dataset.preset]();
      filter();
    });
  }

  /* Filters */

  // One test per filter that is set; an example is shown where all hold.
  function tests() {
    const asked = new FormData(form);
    const found = [];
    const words = (asked.get("text") ?? "").toLocaleLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) found.push((row) => words.every((word) => says(row, word)));
    for (const [name, key] of [["label", "label"], ["shape", keys.shape], ["kind", "kind"]]) {
      const wanted = asked.get(name);
      if (wanted) found.push((row) => String(examples.value(key, row)) === wanted);
    }
    if (asked.get("relabelled")) found.push(relabelled);
    if (asked.get("suspect")) found.push((row) => examples.read("suspect", row) !== null);
    if (asked.get("marked")) found.push((row) => marks.has(examples.read("id", row)));
    return found.concat(ranges(asked));
  }

  function ranges(asked) {
    const [measures, from, to] = ["measure", "from", "to"].map((name) => asked.getAll(name));
    return measures.flatMap((key, place) => {
      if (!key || (from[place] === "" && to[place] === "")) return [];
      const ends = [
        from[place] === "" ? -Infinity : Number(from[place]),
        to[place] === "" ? Infinity : Number(to[place]),
      ];
      const [low, high] = [Math.min(...ends), Math.max(...ends)];
      return [(row) => {
        const value = examples.value(key, row);
        return value !== null && low <= value && value <= high;
      }];
    });
  }

  function relabelled(row) {
    const clean = examples.read("clean_label", row);
    return clean !== null && clean !== examples.read("label", row);
  }

  const haystacks = [];

  function wordsOf(row) {
    haystacks[row] ??= ["id", "class", "source", "kind"].map((key) => examples.value(key, row) ?? "")
      .join(" ").toLocaleLowerCase();
    return haystacks[row];
  }

  // A number is one of an example or of its source, not digits within another number.
  const says = (row, word) => {
    const words = wordsOf(row);
    return /^\d+$/.test(word) ? new RegExp(`(^|\\D)0*${word}(\\D|$)`).test(words) : words.includes(word);
  };

  function filter() {
    const found = tests();
    table.search.fixed("filters", found.length ? (_, __, row) => found.every((test) => test(row)) : null);
    table.draw();
    list.removeAttribute("aria-busy");
    keepAddress();
  }

  // Another objective, size or proxy changes what cells say and what they are sorted by.
  function showOthers() {
    readKeys();
    // Cheaper than invalidating: DataTables would draw every row anew, seen or not.
    table.clear();
    table.rows.add(numbered());
    filter();
  }

  function addRange() {
    const ranges = root.querySelector(".ranges");
    const added = ranges.firstElementChild.cloneNode(true);
    for (const input of added.querySelectorAll("input")) input.value = "";
    ranges.append(added);
    added.querySelector("select").focus();
  }

  const shown = () => table.rows({ search: "applied", order: "applied" }).indexes().toArray();

  const quoted = (value) => {
    const written = value === null ? "" : String(value);
    return /[",\r\n]/.test(written) ? `"${written.replaceAll('"', '""')}"` : written;
  };

  function download() {
    const wanted = examples.about.download;
    const lines = shown().map((row) => wanted.map(([, key]) => examples.value(key, row)));
    const text = [wanted.map(([title]) => title), ...lines].map((line) => `${line.map(quoted).join(",")}\r\n`);
    const url = URL.createObjectURL(new Blob(text, { type: "text/csv" }));
    make("a", { href: url, download: `${examples.about.study}-examples.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  /* Selection */

  const hashOf = (row) => `#example-${examples.read("id", row)}`;
  const rowLinks = () => [...tableElement.querySelectorAll('tbody a[href^="#example-"]')];
  const focusRow = (row) => (rowLinks().find((a) => a.hash === hashOf(row)) ?? rowLinks()[0])?.focus();
  const heading = () => detail.querySelector("h3");

  function markSelected() {
    for (const a of rowLinks()) {
      const here = selected !== null && a.hash === hashOf(selected);
      if (here) a.setAttribute("aria-current", "true");
      else a.removeAttribute("aria-current");
      a.closest("tr").classList.toggle("selected", here);
    }
  }

  // On narrow screens the open example stands below the table.
  const beside = () => detail.offsetLeft > list.offsetLeft;

  function select(row, bringHere) {
    selected = row;
    const place = shown().indexOf(row);
    const page = Math.floor(place / table.page.len());
    if (place >= 0 && page !== table.page()) table.page(page).draw("page");
    else markSelected();
    showDetail(row);
    countMarks();
    if (bringHere) {
      charts.show(beside() ? root.querySelector(".found") : detail);
      heading().focus({ preventScroll: true });
    }
  }

  // The address forgets the example too, so that the same link opens it again.
  function close() {
    const row = selected;
    selected = null;
    detail.hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
    keepAddress();
    markSelected();
    focusRow(row);
  }

  function step(by) {
    const order = shown();
    const next = order[order.indexOf(selected) + by];
    if (next === undefined) return;
    location.replace(hashOf(next));
    follow();
  }

  // Whatever leads to #example-12 selects that example: rows, partners, tiles of other sections.
  function follow() {
    const [, id] = ADDRESS.exec(location.hash) ?? [];
    const absent = root.querySelector(".absent");
    absent.hidden = true;
    if (id === undefined) return;
    const row = examples.rowOf.get(Number(id));
    if (row === undefined) {
      absent.textContent = `There is no training example ${id} on this page.`;
      absent.hidden = false;
      charts.show(root);
      return;
    }
    if (row !== selected) select(row, !root.contains(document.activeElement));
    keepAddress();
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
      else if (event.target.name === "sort") sortBy(event.target.value);
      else soon();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => {
      root.querySelectorAll(".range + .range").forEach((added) => added.remove());
      showOthers();
      showOrder();
    }));
    const actions = {
      rows: download, range: addRange, previous: () => step(-1), next: () => step(1), close,
      mark: () => mark(selected), preset: startWith,
    };
    root.addEventListener("click", (event) => actions[event.target.dataset.explorer]?.(event));
    root.addEventListener("keydown", markByKey);
    table.on("order", () => keepAddress());
    tableElement.addEventListener("keydown", moveFocus);
    tableElement.addEventListener("click", (event) => {
      const a = event.target.closest("tbody tr")?.querySelector("a");
      if (!a) return;
      if (a !== event.target) location.replace(a.hash);
      setTimeout(() => {
        follow();
        // A click without a pointer is the Enter key: go on reading in the panel.
        if (event.detail === 0) heading().focus();
        else if (!beside()) charts.show(detail);
      });
    });
    root.querySelector(".found").addEventListener("keydown", (event) => {
      if (event.key === "Escape" && selected !== null) close();
    });
    window.addEventListener("hashchange", follow);
  }

  async function open() {
    try {
      const [{ default: DataTable }, data] = await Promise.all([
        packed.module("explorer-library"), packed.read("explorer-data"),
      ]);
      examples = new Examples(await data.arrayBuffer());
      picture = pieces.pictures(root.querySelectorAll(".explorer-sheet"), examples.about.tiles);
      showDetail = exampleDetail(detail, examples, picture);
      openTable(DataTable);
      listen();
      form.querySelector("fieldset").disabled = false;
      root.querySelector(".waiting").remove();
      readAddress();
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
  const openLinked = () => { if (ADDRESS.test(location.hash)) openOnce(); };
  window.addEventListener("hashchange", openLinked);
  openLinked();
})();
