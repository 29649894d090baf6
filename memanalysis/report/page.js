"use strict";
(() => {
  const WIDEST_PANEL = 430;
  const WIDEST_CHART = 760;
  const WIDEST_SQUARE = 290;
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

  // What a multi-panel chart takes besides its panels: axes, gaps and labels, in pixels.
  async function surplus(spec, options) {
    const runtime = vega.parse(vegaLite.compile(spec, { config: options.config }).spec);
    const view = await new vega.View(runtime, { renderer: "none" }).runAsync();
    const drawn = view.scenegraph().root.bounds.width();
    view.finalize();
    return drawn + 2 * PADDING - spec.columns * spec.spec.width;
  }

  async function fit(spec, width, options) {
    const { panel, count, square } = spec.usermeta;
    if (!("facet" in spec)) {
      spec.width = Math.min(width, WIDEST_CHART);
      spec.autosize = { type: "fit-x", contains: "padding" };
      return;
    }
    spec.columns = columnsFor(panel, count, width);
    const room = (width - (await surplus(spec, options))) / spec.columns;
    spec.spec.width = Math.max(Math.floor(Math.min(room, WIDEST_PANEL)), 90);
    if (square) spec.spec.height = spec.spec.width = Math.min(spec.spec.width, WIDEST_SQUARE);
  }

  async function draw(element) {
    const width = element.clientWidth;
    const spec = read(element.dataset.spec);
    spec.description = element.dataset.title;
    const legend = { ...config.legend, columns: width < NARROW ? 2 : undefined };
    const options = { renderer: "svg", actions: false, config: { ...config, legend } };
    await fit(spec, width, options);
    await vegaEmbed(element, spec, options);
    element.dataset.width = String(width);
  }

  async function drawAll() {
    for (const element of charts) {
      if (element.dataset.width !== String(element.clientWidth)) await draw(element);
    }
    document.documentElement.dataset.drawn = "yes";
  }

  let waiting;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 200);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(button.parentElement.querySelector("code"));
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy SQL"; }, 2000);
  });

  drawAll();
})();
