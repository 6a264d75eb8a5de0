"use strict";
// The page is whole without this: it filters, opens what a link names, and copies.
const search = document.querySelector("#search"), boxes = [...document.querySelectorAll(".filters input[type=checkbox]")];
const rows = [...document.querySelectorAll("[data-outcome]")];
function filter() {
  const outcomes = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  const text = search.value.toLowerCase();
  for (const row of rows)
    row.hidden = !outcomes.has(row.dataset.outcome) || !row.textContent.toLowerCase().includes(text);
  for (const area of document.querySelectorAll("[data-area]"))
    area.hidden = ![...area.querySelectorAll("[data-outcome]")].some((row) => !row.hidden);
}
for (const shown of document.querySelectorAll(".filters")) shown.hidden = false;
for (const input of [search, ...boxes].filter(Boolean)) input.addEventListener("input", filter);
for (const line of document.querySelectorAll("pre.copied")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(line.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(line);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
  });
  line.before(button);
}
function open() {
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = named && named.closest("details");
  if (details) details.open = true;
}
addEventListener("hashchange", open);
open();
