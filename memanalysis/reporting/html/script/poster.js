"use strict";
// The first screen as one picture: what was run, the answer, the chart, the images, how many.
const drawPoster = async (figure, element) => {
  const WIDTH = 1200;
  const MARGIN = 40;
  const SCALE = 2;
  const IMAGE = 84;
  const { palette } = JSON.parse(document.getElementById("chart-looks").textContent);
  const sans = getComputedStyle(document.querySelector("h1")).fontFamily;
  const serif = getComputedStyle(document.querySelector(".answer") ?? document.body).fontFamily;

  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");

  // Draw text in lines of a width; return where the next one begins.
  function write(text, x, y, width, font, height, colour) {
    pen.font = font;
    pen.fillStyle = colour;
    let line = "";
    for (const word of text.split(/\s+/)) {
      const longer = line ? `${line} ${word}` : word;
      if (line && pen.measureText(longer).width > width) {
        pen.fillText(line, x, y);
        y += height;
        line = word;
      } else line = longer;
    }
    pen.fillText(line, x, y);
    return y + height;
  }

  async function rows() {
    const found = [];
    for (const row of figure.querySelectorAll(".ends .row")) {
      const tiles = [];
      for (const tile of row.querySelectorAll("li")) {
        const image = tile.querySelector("img");
        if (image) await image.decode().catch(() => null);
        tiles.push({ image, text: [".label", ".figures"].map((part) => tile.querySelector(part)?.textContent ?? "") });
      }
      found.push({ title: row.querySelector(".end").textContent, colour: getComputedStyle(row).getPropertyValue("--row"), tiles });
    }
    return found;
  }

  function drawRows(content, x, y) {
    for (const { title, tiles } of content) {
      y = write(title, x, y + 14, 260, `600 14px ${sans}`, 8, palette.ink);
      tiles.slice(0, 3).forEach(({ image, text }, place) => {
        const left = x + place * (IMAGE + 10);
        pen.imageSmoothingEnabled = false;
        if (image?.naturalWidth) pen.drawImage(image, left, y, IMAGE, IMAGE);
        pen.font = `11px ${sans}`;
        pen.fillStyle = palette.muted;
        text.forEach((line, k) => pen.fillText(line, left, y + IMAGE + 14 + 13 * k, IMAGE + 8));
      });
      y += IMAGE + 34;
    }
    return y;
  }

  const view = await charts.standalone(element, { bare: true });
  const chart = await view.toCanvas(SCALE);
  const content = await rows();
  const [wide, high] = [chart.width / SCALE, chart.height / SCALE];
  const chartWidth = content.length ? WIDTH - 3 * MARGIN - 290 : WIDTH - 2 * MARGIN;
  const chartHeight = (high * chartWidth) / wide;
  // Measure first: the height of the canvas follows from what is drawn.
  for (const measuring of [true, false]) {
    if (measuring) [canvas.width, canvas.height] = [1, 1];
    pen.setTransform(SCALE, 0, 0, SCALE, 0, 0);
    pen.fillStyle = palette.paper;
    pen.fillRect(0, 0, WIDTH, 4000);
    const { title, subtitle, conditions } = element.dataset;
    let y = write(document.querySelector("h1").textContent, MARGIN, MARGIN + 14, WIDTH - 2 * MARGIN, `600 18px ${sans}`, 24, palette.ink);
    y = write(subtitle, MARGIN, y, WIDTH - 2 * MARGIN, `14px ${sans}`, 34, palette.muted);
    y = write(title, MARGIN, y + 8, WIDTH - 2 * MARGIN, `600 30px ${serif}`, 38, palette.ink);
    if (!measuring) pen.drawImage(chart, MARGIN, y, chartWidth, chartHeight);
    const below = Math.max(y + chartHeight, drawRows(content, WIDTH - MARGIN - 290, y - 8));
    const end = write(`${conditions} Made by memanalysis.`, MARGIN, below + 24, WIDTH - 2 * MARGIN, `12px ${sans}`, 16, palette.muted);
    if (measuring) [canvas.width, canvas.height] = [WIDTH * SCALE, Math.ceil(end + MARGIN - 16) * SCALE];
  }
  return canvas;
};
