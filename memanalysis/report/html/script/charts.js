"use strict";
// Draws the charts: as many panels in a row as fit, and the same chart for a file of its own.
const charts = (() => {
  const WIDEST_PANEL = 430;
  const WIDEST_CHART = 760;
  const WIDEST_SQUARE = 290;
  const NARROWEST_PANEL = 90;
  const CRAMPED = 0.72;
  const NARROW = 480;
  const PADDING = 5;
  const FILE_WIDTH = 900;
  const FILE_MARGIN = 16;
  const CHARACTERS = { title: 100, subtitle: 130 };

  const text = (id) => document.getElementById(id).textContent;
  const { config, palette } = JSON.parse(text("chart-config"));
  const elements = [...document.querySelectorAll(".chart")];
  const views = new Map();

  // As many columns as fit, but none that leave the last row nearly empty.
  function columnsFor(spec, width) {
    if (!("facet" in spec)) return 1;
    const { panel, count } = spec.usermeta;
    const most = Math.max(1, Math.min(count, Math.floor(width / panel)));
    const rows = Math.ceil(count / most);
    return Math.ceil(count / rows);
  }

  // The signal that holds a side of one panel: views that take part in a selection may have names.
  function signalOf(view, spec, side) {
    const { signals } = view.getState({ signals: () => true, data: () => false });
    const unit = spec.spec ?? spec;
    return [`${unit.name}_${side}`, `child_${side}`, side].find((name) => name in signals);
  }

  // Draw a chart, then give its panels what axes, gaps and labels leave of the width.
  async function drawIn(element, spec, columns, width, options) {
    const { panel, square } = spec.usermeta;
    const faceted = "facet" in spec;
    if (faceted) spec.columns = columns;
    const { view } = await vegaEmbed(element, spec, options);
    const side = signalOf(view, spec, "width");
    const most = faceted ? width : Math.min(width, WIDEST_CHART);
    const drawn = view.scenegraph().root.bounds.width() + 2 * PADDING;
    const fitting = view.signal(side) + (most - drawn) / columns;
    if (columns > 1 && fitting < CRAMPED * panel) {
      view.finalize();
      return drawIn(element, spec, columns - 1, width, options);
    }
    const widest = square ? WIDEST_SQUARE : faceted ? WIDEST_PANEL : WIDEST_CHART;
    const panelWidth = Math.max(Math.floor(Math.min(fitting, widest)), NARROWEST_PANEL);
    view.signal(side, panelWidth);
    if (square) view.signal(signalOf(view, spec, "height"), panelWidth);
    return view.resize().runAsync();
  }

  // The element itself is the image and carries the words; its parts are not read out one by one.
  async function draw(element) {
    const width = element.clientWidth;
    const spec = JSON.parse(text(element.dataset.spec));
    const narrow = { columns: 2, layout: { top: { direction: "vertical", anchor: "start" } } };
    const legend = { ...config.legend, ...(width < NARROW ? narrow : {}) };
    const options = { renderer: "svg", actions: false, config: { ...config, legend } };
    views.get(element)?.finalize();
    views.set(element, await drawIn(element, spec, columnsFor(spec, width), width, options));
    element.querySelector("svg").setAttribute("aria-hidden", "true");
    element.dataset.width = String(width);
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
  async function standalone(element) {
    const spec = resolved(JSON.parse(text(element.dataset.spec)));
    const look = { ...resolved(config), background: palette.paper, padding: FILE_MARGIN };
    const width = FILE_WIDTH - 2 * FILE_MARGIN;
    spec.title = {
      text: lines(element.dataset.title, CHARACTERS.title),
      subtitle: lines(element.dataset.conditions, CHARACTERS.subtitle),
      subtitleColor: palette.muted,
      subtitleFontSize: 11,
      subtitlePadding: 5,
    };
    const options = { renderer: "svg", actions: false, config: look };
    return drawIn(document.createElement("div"), spec, columnsFor(spec, width), width, options);
  }

  const pause = () => new Promise((resolve) => setTimeout(resolve));

  // Charts in view come first, and between two of them the page answers to its reader.
  async function drawAll() {
    const away = new Map(elements.map((e) => [e, Math.abs(e.getBoundingClientRect().top)]));
    for (const element of [...elements].sort((a, b) => away.get(a) - away.get(b))) {
      if (element.dataset.width === String(element.clientWidth)) continue;
      await pause();
      try {
        await draw(element);
      } catch (error) {
        element.textContent = "This chart could not be drawn; its numbers are below.";
        console.error(element.dataset.spec, error);
      }
    }
    document.documentElement.dataset.drawn = "yes";
  }

  let waiting;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 200);
  });

  // Charts push everything below them down, so the target of a link is looked for again.
  drawAll().then(() => document.getElementById(location.hash.slice(1))?.scrollIntoView());
  return { standalone };
})();
