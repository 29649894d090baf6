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

  // What a chart takes besides its panels: axes, gaps and labels, in pixels.
  async function surplus(spec, panels, columns, options) {
    const { view } = await vegaEmbed(document.createElement("div"), spec, {
      ...options,
      renderer: "none",
    });
    const drawn = view.scenegraph().root.bounds.width();
    view.finalize();
    return drawn + 2 * PADDING - columns * panels.width;
  }

  async function fit(spec, width, options) {
    const { panel, count, square } = spec.usermeta;
    const faceted = "facet" in spec;
    const panels = faceted ? spec.spec : spec;
    const most = faceted ? width : Math.min(width, WIDEST_CHART);
    let columns = faceted ? columnsFor(panel, count, width) : 1;
    let room;
    for (; ; columns -= 1) {
      if (faceted) spec.columns = columns;
      room = (most - (await surplus(spec, panels, columns, options))) / columns;
      if (columns === 1 || room > CRAMPED * panel) break;
    }
    const widest = square ? WIDEST_SQUARE : faceted ? WIDEST_PANEL : WIDEST_CHART;
    panels.width = Math.max(Math.floor(Math.min(room, widest)), NARROWEST_PANEL);
    if (square) panels.height = panels.width;
  }

  async function draw(element) {
    const width = element.clientWidth;
    const spec = read(element.dataset.spec);
    spec.description = element.dataset.title;
    const narrow = { columns: 2, layout: { top: { direction: "vertical", anchor: "start" } } };
    const legend = { ...config.legend, ...(width < NARROW ? narrow : {}) };
    const options = { renderer: "svg", actions: false, config: { ...config, legend } };
    await fit(spec, width, options);
    await vegaEmbed(element, spec, options);
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
