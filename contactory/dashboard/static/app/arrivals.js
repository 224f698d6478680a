// Rows that arrive in the grid: with the page, by scrolling, or in place of all others after a search. Each module
// prepares only the new ones, once for each piece, so that a piece costs the same however many rows are shown.
const box = document.getElementById("grid");
const listeners = [];
const shown = new Map(); // The row of each contact.
let arrived = null; // What the current piece has brought: {rows, anew}.

const rowsIn = (element) => [...element.querySelectorAll("tbody tr[data-id]")];

// A contact that a change has moved down the order, and that arrives a second time, is shown once.
function isFirst(row) {
  const first = shown.get(row.dataset.id);
  if (first?.isConnected) {
    row.remove();
    return false;
  }
  shown.set(row.dataset.id, row);
  return true;
}

function deliver() {
  const { rows, anew } = arrived;
  arrived = null;
  if (anew) shown.clear();
  const first = rows.filter(isFirst);
  for (const run of listeners) run(first, anew);
}

box?.addEventListener("htmx:load", ({ target }) => {
  if (!arrived) queueMicrotask(deliver);
  arrived ??= { rows: [], anew: false };
  if (target.matches("tr[data-id]")) arrived.rows.push(target);
  else if (!target.matches("tr")) arrived = { rows: rowsIn(target), anew: true };
});

const before = box ? rowsIn(box).filter(isFirst) : [];

/** Calls `run` with the rows that are there, and later with those of each piece; `anew` if they replace all others. */
export function onArrival(run) {
  listeners.push(run);
  if (box) run(before, true);
}
