"use strict";
// The buttons under each figure: texts to the clipboard; numbers and pictures to files.
(() => {
  const SHOWN_MS = 2500;
  const status = document.getElementById("status");

  async function copy(button) {
    const source = document.getElementById(button.dataset.source);
    try {
      await navigator.clipboard.writeText(source.textContent);
      return `${button.dataset.what} copied`;
    } catch {
      // A page from disk may be refused the clipboard: the text is shown and selected instead.
      const folded = source.closest("details");
      if (folded) folded.open = true;
      getSelection().selectAllChildren(source);
      return "Selected: press Ctrl+C";
    }
  }

  function save(button, data, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([data], { type }));
    link.download = button.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    return `${button.dataset.file} saved`;
  }

  const chartOf = (button) => button.closest("figure").querySelector(".chart");

  async function svg(button) {
    const view = await charts.standalone(chartOf(button));
    return save(button, await view.toSVG(), "image/svg+xml");
  }

  async function png(button) {
    const view = await charts.standalone(chartOf(button));
    const canvas = await view.toCanvas(2);
    const data = await new Promise((done) => canvas.toBlob(done, "image/png"));
    return save(button, data, "image/png");
  }

  function csv(button) {
    const numbers = JSON.parse(document.getElementById(button.dataset.source).textContent);
    return save(button, numbers, "text/csv;charset=utf-8");
  }

  async function poster(button) {
    const canvas = await drawPoster(button.closest("figure"), chartOf(button));
    const data = await new Promise((done) => canvas.toBlob(done, "image/png"));
    return save(button, data, "image/png");
  }

  const actions = { copy, csv, png, svg, poster };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-action]");
    if (!button || button.ariaBusy === "true") return;
    const label = button.textContent;
    button.ariaBusy = "true";
    let said;
    try {
      said = await actions[button.dataset.action](button);
    } catch (error) {
      said = "That did not work";
      console.error(button.dataset.action, error);
    }
    status.textContent = said;
    button.textContent = button.dataset.action === "copy" ? said : "Saved";
    setTimeout(() => {
      button.textContent = label;
      button.ariaBusy = "false";
    }, SHOWN_MS);
  });
})();
