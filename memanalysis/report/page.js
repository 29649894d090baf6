"use strict";
(() => {
  const WIDEST_PANEL = 430;
  const WIDEST_CHART = 760;
  const NARROW = 480;

  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = read("chart-config");
  const charts = [...document.querySelectorAll(".chart")];

  // As many columns as fit, but none that leave the last row nearly empty.
  function columnsFor({ panel, count }, width) {
    const most = Math.max(1, Math.min(count, Math.floor(width / panel)));
    const rows = Math.ceil(count / most);
    return Math.ceil(count / rows);
  }

  async function draw(element) {
    const width = element.clientWidth;
    const spec = read(element.dataset.spec);
    const { panel = 0, count = 1, square = false } = spec.usermeta ?? {};
    const faceted = "facet" in spec;
    const columns = faceted ? columnsFor({ panel, count }, width) : 1;
    if (faceted) spec.columns = columns;
    spec.description = element.dataset.title;
    const legend = { ...config.legend, columns: width < NARROW ? 2 : undefined };
    const { view } = await vegaEmbed(element, spec, {
      renderer: "svg",
      actions: false,
      config: { ...config, legend },
    });
    const signal = faceted ? "child_width" : "width";
    const drawn = element.querySelector("svg").viewBox.baseVal.width;
    const room = (Math.min(width, faceted ? width : WIDEST_CHART) - drawn) / columns;
    const fitted = Math.min(view.signal(signal) + room, faceted ? WIDEST_PANEL : WIDEST_CHART);
    const side = Math.floor(Math.max(fitted, 90));
    view.signal(signal, side);
    if (square) view.signal("child_height", Math.min(side, 300));
    await view.resize().runAsync();
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
