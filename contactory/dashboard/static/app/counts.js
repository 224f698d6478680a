// The number of contacts for each row of a list. With very many contacts that takes seconds, so the numbers are
// loaded after the list, a few rows at a time.
const list = document.querySelector("[data-counts]");
const piece = Number(list?.dataset.piece);
const number = new Intl.NumberFormat();
let working = false;

const words = (count) => (count ? `${number.format(count)} ${count === 1 ? "contact" : "contacts"}` : "no contacts");
const waiting = () => [...list.querySelectorAll("[data-count]:not([data-counted])")];

async function countsOf(cells) {
  const query = new URLSearchParams(cells.map((cell) => ["of", cell.dataset.count]));
  const answer = await fetch(`${list.dataset.counts}?${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

function show(cell, text) {
  cell.textContent = text;
  cell.removeAttribute("aria-busy");
  cell.dataset.counted = "";
}

async function count() {
  if (!list || working) return;
  working = true;
  for (const cell of waiting()) {
    cell.setAttribute("aria-busy", "true");
    cell.textContent = "counting…";
  }
  for (let cells = waiting(); cells.length; cells = waiting()) {
    const some = cells.slice(0, piece);
    const counts = await countsOf(some);
    for (const cell of some) show(cell, counts ? words(counts[cell.dataset.count] ?? 0) : "not counted");
  }
  working = false;
}

/** Counts `rows` again, and new rows. */
export function recount(rows) {
  for (const cell of rows.flatMap((row) => [...row.querySelectorAll("[data-count]")])) delete cell.dataset.counted;
  count();
}

count();
document.addEventListener("htmx:load", count);
