"use strict";
// Where the reader is in the contents, and the theme that the reader asked for.
(() => {
  const links = new Map(
    [...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link])
  );
  const seen = new Set();

  function mark() {
    const current = [...links.keys()].find((name) => seen.has(name));
    if (!current && scrollY > innerHeight / 2) return;
    if (!current) document.querySelector("nav ol").scrollTo({ left: 0 });
    for (const [name, link] of links) {
      if (name !== current) link.removeAttribute("aria-current");
      else if (!link.hasAttribute("aria-current")) {
        link.setAttribute("aria-current", "true");
        const list = link.closest("ol");
        list.scrollTo({ left: link.offsetLeft - list.offsetLeft - 16 });
      }
    }
  }

  // A section is current while it crosses a line in the upper part of the window.
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target.id);
      mark();
    },
    { rootMargin: "-20% 0px -79% 0px" }
  );
  for (const part of document.querySelectorAll(".part")) observer.observe(part);

  document.getElementById("theme").addEventListener("change", (event) => {
    document.documentElement.dataset.theme = event.target.value;
  });
})();
