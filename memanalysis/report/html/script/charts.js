"use strict";
(() => {
  const WIDEST_PANEL = 430;
  const WIDEST_CHART = 760;
  const WIDEST_SQUARE = 290;
  const NARROWEST_PANEL = 90;
  const CRAMPED = 0.72;
  const NARROW = 480;
  const PADDING = 5;

  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = read("chart-config");
  const charts = [...document.querySelectorAll(".chart")];

  // As many columns as fit, but none that leave the last row nearly empty.
  function columnsFor(panel, count, width) {
    const most = Math.max(1, Math.min(count, Math.floor(width / panel)));
    const rows = Math.ceil(count / most);
    return Math.ceil(count / rows);
  }

  // Draw a chart, then give its panels what axes, gaps and labels leave of the width.
  async function drawIn(element, spec, columns, width, options) {
    const { panel, square } = spec.usermeta;
    const faceted = "facet" in spec;
    if (faceted) spec.columns = columns;
    const { view } = await vegaEmbed(element, spec, options);
    const side = faceted ? "child_width" : "width";
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
    if (square) view.signal("child_height", panelWidth);
    return view.resize().runAsync();
  }

  async function draw(element) {
    const width = element.clientWidth;
    const spec = read(element.dataset.spec);
    const { panel, count } = spec.usermeta;
    spec.description = element.dataset.title;
    const narrow = { columns: 2, layout: { top: { direction: "vertical", anchor: "start" } } };
    const legend = { ...config.legend, ...(width < NARROW ? narrow : {}) };
    const options = { renderer: "svg", actions: false, config: { ...config, legend } };
    const columns = "facet" in spec ? columnsFor(panel, count, width) : 1;
    await drawIn(element, spec, columns, width, options);
    element.dataset.width = String(width);
  }

  async function drawAll() {
    for (const element of charts) {
      if (element.dataset.width === String(element.clientWidth)) continue;
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

  drawAll();
})();
