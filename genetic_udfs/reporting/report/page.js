"use strict";
const filters = document.getElementById("filters");
const selects = [...filters.querySelectorAll("select")];
const articles = [...document.querySelectorAll("article")];
function show() {
  let shown = 0;
  for (const article of articles) {
    article.hidden = selects.some((one) => one.value !== "" && article.dataset[one.dataset.by] !== one.value);
    shown += article.hidden ? 0 : 1;
  }
  document.getElementById("shown").textContent = `${shown} of ${articles.length} shown`;
}
filters.addEventListener("change", show);
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});
filters.hidden = false;
show();
