"use strict";
// Texts of the page that are base64 of gzip: data, charts and libraries, read when they are needed.
const packed = (() => {
  async function read(id) {
    const stored = await fetch(`data:;base64,${document.getElementById(id).textContent}`);
    return new Response(stored.body.pipeThrough(new DecompressionStream("gzip")));
  }

  async function module(id) {
    const url = URL.createObjectURL(new Blob([await (await read(id)).text()], { type: "text/javascript" }));
    try {
      return await import(url);
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  return { read, module };
})();
