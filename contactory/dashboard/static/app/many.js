// The selection: rows are selected by their boxes (a range with Shift), or all contacts that match the filter. What
// is done with it is in bulk.js.
import { onArrival } from "./arrivals.js";
import { here, shownRows } from "./grid.js";
import { onKey } from "./keys.js";
import { shown } from "./pieces.js";
import { get, reason } from "./requests.js";
import { toast } from "./toasts.js";

const bar = document.getElementById("many");
const grid = document.getElementById("grid");
const status = bar?.querySelector("[data-status]");
const picked = new Set(); // The boxes that are checked.
// All contacts that match the filter, and not only those on the page: the query of the list on which they were
// selected, and their number, which the server has counted.
let everything = null;
let query = location.search.slice(1); // Of the list that is shown.
let last = null;

const boxes = () => [...grid.querySelectorAll('tbody input[name="contact"]')];
const chosen = () => boxes().filter((box) => box.checked);

/** The selected contacts: {targets} with "id:version" of each, or {query, number}; null while they are counted. */
export function selected() {
  if (everything) return everything.number === null ? null : { ...everything };
  return { targets: chosen().map((box) => `${box.value}:${box.closest("tr").dataset.version}`) };
}

/** What the bar says about the selection. */
export const selectedWords = () => status.textContent.toLowerCase();

/** Takes over a new number of the contacts that match. */
export function recount(selection) {
  if (everything?.query === selection.query) everything.number = selection.number;
  show();
}

/** Selects nothing. */
export function clear() {
  for (const box of boxes()) mark(box, false);
  show();
}

function mark(box, checked) {
  box.checked = checked;
  box.closest("tr").classList.toggle("chosen", checked);
  if (checked) picked.add(box);
  else picked.delete(box);
}

function show() {
  const [count, all] = [picked.size, shownRows()];
  if (!count || count < all) everything = null;
  bar.hidden = !count;
  bar.querySelector("[data-everything]").hidden = everything || count < all || !grid.querySelector("tbody > .more");
  if (!everything) status.textContent = `${shown(count)} selected`;
  else status.textContent = everything.number === null ? "Counting…" : `All ${shown(everything.number)} selected`;
  const head = grid.querySelector("[data-all]");
  if (head) {
    head.checked = count > 0 && count === all;
    head.indeterminate = count > 0 && count < all;
  }
}

grid?.addEventListener("click", (event) => {
  const box = event.target.closest('input[name="contact"]');
  if (!box) return;
  if (event.shiftKey && last?.isConnected) {
    const all = boxes();
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
    for (const each of all.slice(from, to + 1)) mark(each, box.checked);
  }
  mark(box, box.checked);
  last = box;
  show();
});

grid?.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  for (const box of boxes()) mark(box, event.target.checked);
  show();
});

onKey(grid, (event) => {
  const box = event.target.tagName === "TD" && event.target.closest("tr").querySelector('input[name="contact"]');
  if (!box || event.key !== " ") return;
  event.preventDefault();
  mark(box, !box.checked);
  last = box;
  show();
  event.target.scrollIntoView({ block: "nearest", inline: "nearest" }); // The bar may have come over it.
});

/** Selects all contacts that match, once the server has counted them. */
async function selectEverything() {
  const mine = { query, number: null };
  everything = mine;
  show();
  const answer = await get(`${here()}/count?${mine.query}${mine.query && "&"}exact=1`).catch(() => null);
  const found = await answer?.json().catch(() => null);
  if (everything !== mine) return;
  if (answer?.ok) mine.number = found.count;
  else {
    everything = null;
    toast(reason(answer && { status: answer.status, problem: found }), { bad: true });
  }
  show();
}

let before = null; // The ids of the selection before the list is loaded again.

grid?.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (bar && detail.target === grid && detail.shouldSwap) before = new Set(chosen().map((box) => box.value));
});

/** The ids that stay selected: if the list is another one now, none of them, because that would be another selection. */
function keptSelection() {
  const [ids, same] = [before ?? new Set(), query === location.search.slice(1)];
  before = null;
  query = location.search.slice(1);
  if (same) return ids;
  everything = null;
  if (ids.size) toast("The list has changed, so nothing is selected any more.");
  return new Set();
}

if (bar) {
  onArrival((rows, anew) => {
    const ids = anew ? keptSelection() : null;
    if (anew) picked.clear();
    for (const row of rows) {
      const box = row.querySelector('input[name="contact"]');
      // A box may have been checked before this script ran.
      mark(box, Boolean(everything || ids?.has(box.value) || box.checked));
    }
    show();
  });
}

bar?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches("[data-everything]")) selectEverything();
  else if (button?.matches("[data-none]")) clear();
  else if (button?.matches("[data-export]")) exportChosen();
});

const sheet = document.getElementById("export-work");
sheet?.querySelector("[data-cancel]").addEventListener("click", () => sheet.close());
sheet?.querySelector("form").addEventListener("submit", () => setTimeout(() => sheet.close()));

/** Asks how to export, and sends a normal form: the answer is a file, and the page stays. */
function exportChosen() {
  const selection = selected();
  if (!selection) return;
  const wanted = selection.targets?.map((each) => ["contact", each]) ?? [["all", "1"], ["back", selection.query]];
  const inputs = wanted.map(([name, value]) => Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  sheet.querySelector("h2").textContent = `Export: ${selectedWords()}`;
  sheet.querySelector("[data-targets]").replaceChildren(...inputs);
  sheet.showModal();
}
