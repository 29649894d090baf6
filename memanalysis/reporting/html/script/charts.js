"use strict";
// Draws the charts that the reader comes near to, each in the place of its picture: as many panels in
// a row as fit. And the same chart for a file of its own.
const charts = (() => {
  const CRAMPED = 0.72;
  const NARROW = 480;
  const PADDING = 5;
  const AHEAD = "600px 0px";
  const PATIENCE_MS = 2000;
  const FILE_WIDTH = 900;
  const FILE_MARGIN = 16;
  const CHARACTERS = { title: 100, subtitle: 130 };

  const { config, palette, limits } = JSON.parse(document.getElementById("chart-looks").textContent);
  const elements = [...document.querySelectorAll(".chart")];
  const views = new Map();

  // Vega takes a third of a second to start: not before the first chart is near.
  let started;
  const drawing = () => {
    started ??= Promise.all([packed.module("vega"), packed.read("chart-specs").then((r) => r.json())])
      .then(([, specs]) => ({ vegaEmbed: window.vegaEmbed, config, specs }));
    return started;
  };

  // As many columns as fit, but none that leave the last row nearly empty.
  const evenly = (count, most) => Math.ceil(count / Math.ceil(count / most));
  const columnsOf = ({ panel, count }, width) =>
    evenly(count, Math.max(1, Math.min(count, Math.floor(width / panel))));
  const columnsFor = (spec, width) => ("facet" in spec ? columnsOf(spec.usermeta, width) : 1);

  // A picture shrinks with the page, a chart gets more rows of panels: their heights are kept free
  // beforehand, so that nothing moves and the scroll bar is right.
  function heightOf(element) {
    const { panel, count } = element.dataset;
    const height = Number(element.querySelector("svg")?.getAttribute("height"));
    if (!height || !count || !element.clientWidth) return 0;
    const rows = (width) => Math.ceil(count / columnsOf({ panel, count }, width));
    return Math.round(height * rows(element.clientWidth) / rows(limits.picture));
  }

  // The signal that holds a side of one panel: views that take part in a selection may have names.
  function signalOf(view, spec, side) {
    const { signals } = view.getState({ signals: () => true, data: () => false });
    const unit = spec.spec ?? spec;
    return [`${unit.name}_${side}`, `child_${side}`, side].find((name) => name in signals);
  }

  // Draw a chart, then give its panels what axes, gaps and labels leave of the width.
  async function drawIn(element, spec, columns, width, options) {
    const { panel, count, square } = spec.usermeta;
    const { vegaEmbed } = await drawing();
    const faceted = "facet" in spec;
    if (faceted) spec.columns = columns;
    const { view } = await vegaEmbed(element, spec, options);
    const side = signalOf(view, spec, "width");
    const most = faceted ? width : Math.min(width, limits.chart);
    const drawn = view.scenegraph().root.bounds.width() + 2 * PADDING;
    const fitting = view.signal(side) + (most - drawn) / columns;
    if (columns > 1 && fitting < CRAMPED * panel) {
      view.finalize();
      return drawIn(element, spec, evenly(count, columns - 1), width, options);
    }
    const widest = square ? limits.square : faceted ? limits.panel : limits.chart;
    const panelWidth = Math.max(Math.floor(Math.min(fitting, widest)), limits.narrowest);
    view.signal(side, panelWidth);
    if (square) view.signal(signalOf(view, spec, "height"), panelWidth);
    return view.resize().runAsync();
  }

  const specOf = async (element) =>
    structuredClone((await drawing()).specs[element.dataset.chart]);

  // What is there stays until the chart can take its place, so that nothing on the page moves. The
  // element itself is the image and carries the words; its parts are not read out one by one.
  async function draw(element, width) {
    const spec = await specOf(element);
    const narrow = { columns: 2, layout: { top: { direction: "vertical", anchor: "start" } } };
    const legend = { ...config.legend, ...(width < NARROW ? narrow : {}) };
    const options = { renderer: "svg", actions: false, config: { ...config, legend } };
    const place = document.createElement("div");
    const view = await drawIn(place, spec, columnsFor(spec, width), width, options);
    const svg = place.querySelector("svg");
    svg.setAttribute("aria-hidden", "true");
    element.replaceChildren(place);
    element.style.removeProperty("--reserved");
    views.get(element)?.finalize();
    views.set(element, view);
  }

  function lines(words, most) {
    const found = [""];
    for (const word of words.split(" ")) {
      const longer = `${found.at(-1)} ${word}`.trim();
      if (longer.length > most && found.at(-1)) found.push(word);
      else found[found.length - 1] = longer;
    }
    return found;
  }

  // Custom properties mean nothing outside this page: a file gets the light palette's colours.
  const resolved = (value) =>
    JSON.parse(JSON.stringify(value).replace(/var\(--([\w-]+)\)/g, (_, name) => palette[name]));

  // The chart of an element as a Vega view that stands alone: title, conditions, light background.
  async function standalone(element, { bare = false } = {}) {
    const spec = resolved(await specOf(element));
    const look = { ...resolved(config), background: palette.paper, padding: FILE_MARGIN };
    const width = FILE_WIDTH - 2 * FILE_MARGIN;
    if (!bare) spec.title = {
      text: lines(element.dataset.title, CHARACTERS.title),
      subtitle: [element.dataset.subtitle, element.dataset.conditions].filter(Boolean)
        .flatMap((text) => lines(text, CHARACTERS.subtitle)),
      subtitleColor: palette.muted,
      subtitleFontSize: 11,
      subtitlePadding: 5,
    };
    const options = { renderer: "svg", actions: false, config: look };
    return drawIn(document.createElement("div"), spec, columnsFor(spec, width), width, options);
  }

  const pause = () => new Promise((resolve) => setTimeout(resolve));
  const near = new Set();
  const stale = (element) => element.dataset.width !== String(element.clientWidth);

  // On narrow screens charts are higher than their pictures and push down what is below them: the
  // target of a link is looked for again, until all is drawn or the reader moves on.
  let sought = null;
  let shown = null; // where the page was when it last showed its target
  let giveUp;
  const view = () => ({ y: scrollY, height: document.documentElement.scrollHeight });
  function seek(target) {
    for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    sought = target;
    shown = null;
    clearTimeout(giveUp);
    giveUp = setTimeout(() => { sought = null; }, PATIENCE_MS);
  }
  function show(target) {
    seek(target);
    target.scrollIntoView({ behavior: "instant" });
    shown = view();
  }
  const place = (hash) => document.getElementById(hash.slice(1));
  const targeted = () => seek(place(location.hash));
  // Back and forward lead to where the reader was, which the browser knows.
  let traversed = false;
  window.navigation?.addEventListener("navigate", (event) => {
    traversed = event.navigationType === "traverse";
    if (traversed) sought = null;
  });
  window.addEventListener("hashchange", () => { if (!traversed) targeted(); });
  // A link to where the address already points changes nothing but the place.
  document.addEventListener("click", (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    const link = event.target.closest?.('a[href^="#"]');
    if (link && !elsewhere && !event.defaultPrevented) seek(place(link.hash));
  });
  for (const moved of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    window.addEventListener(moved, () => { sought = null; }, { passive: true });
  }
  // A scroll bar tells of no pointer: a page of the same height elsewhere was moved by its reader.
  window.addEventListener("scroll", () => {
    const { y, height } = view();
    if (shown && height === shown.height && Math.abs(y - shown.y) > 1) sought = null;
  }, { passive: true });
  // A smooth scroll ends where its target was when it began. One's own ends here too.
  window.addEventListener("scrollend", () => { if (sought && !shown) show(sought); });
  new ResizeObserver(() => { if (sought) show(sought); }).observe(document.body);
  targeted();

  // Between two charts the page answers to its reader, who may have gone on by then.
  let busy = false;
  async function drawNear() {
    if (busy) return;
    busy = true;
    for (let next; (next = [...near].find(stale)); await pause()) {
      const width = next.clientWidth;
      try {
        await draw(next, width);
      } catch (error) {
        if (!next.firstChild) next.textContent = "This chart could not be drawn; its numbers are below.";
        console.error(next.dataset.chart, error);
      }
      next.dataset.width = String(width);
    }
    busy = false;
  }

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) near[entry.isIntersecting ? "add" : "delete"](entry.target);
    drawNear();
  }, { rootMargin: AHEAD });
  const heights = elements.map(heightOf);
  elements.forEach((element, i) => {
    element.style.setProperty("--reserved", `${heights[i]}px`);
    observer.observe(element);
  });

  let waiting;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawNear, 200);
  });

  return { drawing, standalone, show };
})();
