// The number of contacts for each row of a list. With very many contacts that takes seconds, so the numbers are
// loaded after the list, a few rows at a time.
const list = document.querySelector("[data-counts]");
const piece = Number(list?.dataset.piece);
const number = new Intl.NumberFormat();
const waiting = []; // Cells whose numbers are still to be loaded.
let working = false;

const words = (count) => (count ? `${number.format(count)} ${count === 1 ? "contact" : "contacts"}` : "no contacts");
const cellsIn = (element) => [...element.querySelectorAll("[data-count]")];

async function countsOf(cells) {
  const query = new URLSearchParams(cells.map((cell) => ["of", cell.dataset.count]));
  const answer = await fetch(`${list.dataset.counts}?${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

function show(cell, text) {
  cell.textContent = text;
  cell.removeAttribute("aria-busy");
}

async function count(cells) {
  for (const cell of cells) {
    cell.setAttribute("aria-busy", "true");
    cell.textContent = "counting…";
  }
  waiting.push(...cells);
  if (working) return;
  working = true;
  while (waiting.length) {
    const some = waiting.splice(0, piece).filter((cell) => cell.isConnected);
    if (!some.length) continue;
    const counts = await countsOf(some);
    for (const cell of some) show(cell, counts ? words(counts[cell.dataset.count] ?? 0) : "not counted");
  }
  working = false;
}

/** Counts `rows`, new ones or again. */
export function recount(rows) {
  count(rows.flatMap(cellsIn));
}

if (list) {
  count(cellsIn(list));
  list.addEventListener("htmx:load", ({ target }) => count(cellsIn(target)));
}
