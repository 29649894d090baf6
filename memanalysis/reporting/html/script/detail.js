"use strict";
// The panel of one example: what is known of it, its scores, proxies, and partners of influence.
const exampleDetail = (element, examples, picture) => {
  const { make, number, signed, percent, reach, shapeBadge, grid } = pieces;
  const PARTNERS = 6;
  const { about } = examples;
  const part = (name) => element.querySelector(name);

  function facts(row) {
    const clean = examples.read("clean_label", row);
    const found = [["Class", examples.value("class", row)]];
    if (clean !== null) found.push(["Clean label", examples.className(clean)]);
    const kind = examples.value("kind", row);
    if (about.kinds.length) found.push(["Kind", about.kind_titles[kind] ?? kind ?? "unknown"]);
    const called = examples.read("called", row);
    if (called !== null) {
      const votes = `${examples.read("votes", row)} of ${examples.read("of_votes", row)}`;
      found.push(["Held-out models call it", `${examples.className(called)}, ${votes}`]);
    }
    const place = examples.read("suspect", row);
    if (place !== null) found.push(["Suspected wrong label", `№ ${place} of the list`]);
    if (about.sources[row]) found.push(["Source", about.sources[row]]);
    about.titles.forEach((title, o) => {
      const shape = examples.value(`shape.${o}`, row);
      if (shape === null) return;
      const name = about.titles.length > 1 ? `Trajectory, ${title}` : "Trajectory";
      found.push([name, make("span", {}, shapeBadge(shape), changeText(row, o))]);
    });
    return make("dl", {}, ...found.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  }

  function changeText(row, o) {
    const value = examples.read(`change.${o}`, row);
    const limits = examples.limits(`change.${o}`, row);
    if (value === null) return "";
    return `, change ${signed(value)}${limits[0] === null ? "" : ` (${reach(limits)})`}`;
  }

  function scoreLines(row) {
    return about.titles.flatMap((objective, o) => about.sizes.flatMap((size, s) => {
      const counts = examples.counts(o, s, row);
      if (!counts) return [];
      const [low, high] = examples.interval(o, s, row);
      return [{ o, size, objective, memorization: examples.score(o, s, row), ci_low: low, ci_high: high, ...counts }];
    }));
  }

  function scores(lines) {
    const heads = ["size", "score", "95 % interval", "trained", "held out"];
    return about.titles.flatMap((title, o) =>
      grid(`Scores, ${title}`, heads, lines.filter((line) => line.o === o).map((line) => [
        line.size, number(line.memorization), reach([line.ci_low, line.ci_high]),
        `${line.hitsIn}/${line.nIn}`, `${line.hitsOut}/${line.nOut}`])));
  }

  function gains(row) {
    const several = new Set(about.distillations.map(([o]) => o)).size > 1;
    return grid("Change by distilling", ["size", "change", "95 % interval"], about.distillations.map(([o, s]) => [
      several ? `${about.titles[o]}, ${about.sizes[s]}` : about.sizes[s],
      signed(examples.read(`gain.${o}.${s}`, row)), reach(examples.limits(`gain.${o}.${s}`, row))]));
  }

  function proxies(row) {
    const lines = about.proxies.map(({ group, short, hard }, place) => {
      const value = examples.read(`proxy.${place}`, row);
      const written = value === null ? "–" : String(Number(value.toPrecision(3))).replace("-", "−");
      return [group, [short, written, hard ? percent(examples.value(`rank.${place}`, row)) : "–"]];
    });
    return [...new Set(lines.map(([group]) => group))].flatMap((group) => grid(`Proxies, ${group}`,
      ["proxy", "value", "harder than"], lines.filter(([own]) => own === group).map(([, line]) => line)));
  }

  function partner(pair, column) {
    const id = examples.read(column, pair);
    const own = examples.rowOf.get(id);
    const test = own === undefined || (column === "pair_partner" && examples.read("pair_test", pair) === 1);
    const slot = own === undefined ? examples.read("pair_slot", pair) : examples.read("slot", own);
    const label = own === undefined ? examples.className(examples.read("pair_label", pair)) : examples.value("class", own);
    const where = [examples.named("titles", "pair_objective", pair), examples.named("sizes", "pair_size", pair)];
    const name = test ? make("span", {}, `test ${id}`) : make("a", { href: `#example-${id}` }, `№ ${id}`);
    return make("li", { title: where.filter(Boolean).join(", ") },
      picture(slot, `Example ${id}, ${label}`), name, make("span", { class: "label" }, label),
      make("span", {}, signed(examples.read("pair_influence", pair))));
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
      make("ul", { class: "partners" }, ...pairs.slice(0, PARTNERS).map((pair) => partner(pair, column)))]);
  }

  let drawn = null;
  let latest = null;

  // One chart serves all examples: only its rows change.
  async function drawScores(lines) {
    latest = lines;
    try {
      drawn ??= openChart(lines);
      const view = await drawn;
      if (latest === lines) await view.data("scores", lines).runAsync();
    } catch (error) {
      part(".scores").hidden = true;
      console.error(error);
    }
  }

  async function openChart(lines) {
    const { vegaEmbed, config } = await charts.drawing();
    const spec = JSON.parse(document.getElementById("explorer-chart").textContent);
    spec.datasets = { scores: lines };
    spec.width = Math.max(160, Math.min(element.clientWidth - 90, 420));
    return (await vegaEmbed(part(".scores"), spec, { renderer: "svg", actions: false, config })).view;
  }

  return (row) => {
    const id = examples.read("id", row);
    const lines = scoreLines(row);
    const image = picture(examples.read("slot", row), `Training example ${id}, labelled ${examples.value("class", row)}`);
    image.classList.add("large");
    element.hidden = false;
    part("h3").textContent = `Example ${id}`;
    part(".portrait").replaceChildren(image, facts(row));
    part(".tables").replaceChildren(...scores(lines), ...gains(row), ...proxies(row), ...influence(row));
    part(".scores").hidden = lines.length === 0;
    if (lines.length) drawScores(lines);
  };
};
