"use strict";
(() => {
  const tools = document.getElementById("tools");
  const box = document.getElementById("search");
  const told = tools.querySelector("[role=status]");
  const groups = [...document.querySelectorAll("[data-group]")];
  const items = [...document.querySelectorAll("[data-item]")].map((element) => {
    const group = element.closest("[data-group]");
    return { element, group, text: `${group ? group.dataset.group : ""} ${element.textContent}`.toLowerCase() };
  });
  const foldAll = (open) => {
    for (const each of document.querySelectorAll("main details")) each.open = open;
  };
  const search = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = new Set();
    let found = 0;
    for (const item of items) {
      const fits = words.every((word) => item.text.includes(word));
      item.element.hidden = !fits;
      if (fits) {
        found += 1;
        shown.add(item.group);
      }
    }
    for (const group of groups) {
      const filled = !words.length || shown.has(group);
      const part = group.closest("section");
      group.hidden = !filled;
      if (words.length && filled && group.tagName === "DETAILS") group.open = true;
      if (part) part.hidden = [...part.querySelectorAll("[data-group]")].every((each) => each.hidden);
    }
    told.textContent = words.length ? `${found} of ${items.length}` : "";
  };
  if (!items.length) return;
  tools.hidden = false;
  box.addEventListener("input", search);
  document.getElementById("unfold").addEventListener("click", () => foldAll(true));
  document.getElementById("fold").addEventListener("click", () => foldAll(false));
  addEventListener("beforeprint", () => foldAll(true));
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== box) {
      event.preventDefault();
      box.focus();
    }
  });
})();
