"use strict";
// What the explorer's table and its panel are made of: elements, numbers in words, pictures, curves.
// Everything goes in as text or nodes, nothing as markup.
const pieces = (() => {
  const CURVE = { width: 72, height: 26, pad: 3, least: -0.1 };

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function draw(tag, attributes) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  function number(value, signed = false) {
    if (value === null) return "–";
    const rounded = value.toFixed(2).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");
    return signed && value > 0 && Number(rounded) !== 0 ? `+${rounded}` : rounded;
  }

  const signed = (value) => number(value, true);
  const percent = (value) => (value === null ? "–" : `${Math.floor(value)}\u202f%`);
  const reach = ([low, high]) => (low === null ? "–" : `${number(low)} to ${number(high)}`);

  function shapeBadge(shape) {
    const dot = make("span", { class: "dot", "aria-hidden": "true" });
    dot.style.background = `var(--${shape})`;
    return make("span", { class: "shape" }, dot, shape);
  }

  // The scores of an example by size, null where it has none.
  function curve(scores, shape) {
    const { width, height, pad, least } = CURVE;
    const step = (width - 2 * pad) / Math.max(scores.length - 1, 1);
    const level = (value) => (height - pad
      - ((Math.min(Math.max(value, least), 1) - least) / (1 - least)) * (height - 2 * pad)).toFixed(1);
    const points = scores
      .map((value, s) => (value === null ? null : [(pad + s * step).toFixed(1), level(value)]))
      .filter((point) => point !== null);
    const drawing = draw("svg", { class: "curve", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    drawing.style.color = `var(--${shape ?? "ink"})`;
    drawing.append(
      draw("line", { class: "zero", x1: 0, x2: width, y1: level(0), y2: level(0) }),
      draw("polyline", { points: points.map((point) => point.join(",")).join(" ") }),
      ...points.map(([cx, cy]) => draw("circle", { cx, cy, r: 1.9 })),
    );
    return drawing;
  }

  // Tiles of sheets, which are decoded when the first of their tiles is asked for.
  function pictures(sheets, { columns, count, width, height }) {
    const decoded = new Map();

    function sheet(place) {
      if (!decoded.has(place)) {
        const image = new Image();
        image.src = sheets[place].textContent;
        decoded.set(place, image.decode().then(() => image));
      }
      return decoded.get(place);
    }

    return (slot, description) => {
      if (slot === null) return make("span", { class: "noimage", role: "img", "aria-label": "no image" }, "–");
      const canvas = make("canvas", { width, height, role: "img", "aria-label": description });
      const [x, y] = [(slot % count) % columns, Math.floor((slot % count) / columns)];
      sheet(Math.floor(slot / count)).then((image) => canvas.getContext("2d").drawImage(
        image, x * width, y * height, width, height, 0, 0, width, height));
      return canvas;
    };
  }

  // A heading and a table: first column words, the others numbers.
  function grid(title, heads, lines) {
    const head = make("tr", {}, ...heads.map((name, place) =>
      make("th", { scope: "col", class: place ? "n" : null }, name)));
    const body = lines.map(([first, ...rest]) => make("tr", {},
      make("th", { scope: "row" }, first), ...rest.map((value) => make("td", { class: "n" }, value))));
    const made = make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
    const region = { class: "scroll", tabindex: 0, role: "region", "aria-label": title };
    return lines.length ? [make("h4", {}, title), make("div", region, made)] : [];
  }

  return { make, number, signed, percent, reach, shapeBadge, curve, pictures, grid };
})();
