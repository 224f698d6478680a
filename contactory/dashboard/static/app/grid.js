// The table of contacts as a grid (WAI-ARIA, pattern "grid"): one cell is in the Tab order, and the arrow keys
// move from there. So is one head, with its grip. Without this module it is a plain table.
import { onArrival } from "./arrivals.js";
import { onKey } from "./keys.js";

const box = document.getElementById("grid");
let current = null; // The cell in the Tab order.

export const table = () => box?.querySelector("table.grid");

/** The path of this workspace's contacts. */
export const here = () => box.dataset.here;

/** The rows of contacts, in order. */
export const rows = () => [...box.querySelectorAll("tbody tr[data-id]")];

/** How many contacts are shown. */
export function shownRows() {
  const all = table()?.tBodies[0].rows ?? [];
  return all.length - Number(all[all.length - 1]?.classList.contains("more") ?? 0);
}

/** The row of a contact, if it is shown. */
export const rowOf = (id) => box.querySelector(`tbody tr[data-id="${CSS.escape(id)}"]`);

/** The cell of a contact in a column. */
export const cellOf = (id, key) => rowOf(id)?.querySelector(`[data-key="${CSS.escape(key)}"]`);

/** Loads the first rows again. */
export const reload = () => window.htmx.ajax("GET", location.pathname + location.search, { target: "#grid", swap: "innerHTML" });

function makeCurrent(cell) {
  if (current) current.tabIndex = -1;
  current = cell;
  cell.tabIndex = 0;
}

/** Gives `cell` the focus, or makes it the cell that gets the focus by Tab. */
export function goTo(cell, { focus = true } = {}) {
  if (!cell) return;
  makeCurrent(cell);
  if (focus) {
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

/** The cell at a distance of columns and rows, or null. */
export function neighbour(cell, right, down) {
  let row = cell.closest("tr");
  const cells = [...row.cells];
  const at = cells.indexOf(cell) + right;
  for (let step = Math.abs(down); step > 0 && row; step -= 1) {
    row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
  }
  if (!row?.dataset.id || at < 0) return null;
  return row.cells[at] ?? null;
}

function ends(cell, key, whole) {
  const all = rows();
  const row = whole ? (key === "Home" ? all[0] : all.at(-1)) : cell.closest("tr");
  return key === "Home" ? row.cells[0] : row.cells[row.cells.length - 1];
}

const PAGE = 12;
const STEPS = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
  PageDown: [0, PAGE],
  PageUp: [0, -PAGE],
};

// What has the focus in a head: the link that sorts, or the head itself.
const stopOf = (head) => head.querySelector("a") ?? head;
const heads = () => [...table().tHead.rows[0].cells].filter((head) => head.dataset.key);

/** Makes a head the one in the Tab order. */
function standAt(head) {
  for (const other of heads()) {
    for (const part of [stopOf(other), other.querySelector(".grip")]) if (part) part.tabIndex = other === head ? 0 : -1;
  }
}

// Not by scrollIntoView, which would scroll the rows too, because a head sticks to the edge.
function reveal(head) {
  if (head.classList.contains("stuck")) return;
  const frame = head.closest(".grid-frame");
  const [outer, inner] = [frame.getBoundingClientRect(), head.getBoundingClientRect()];
  const pinned = parseFloat(getComputedStyle(frame).getPropertyValue("--pinned"));
  frame.scrollLeft += Math.min(inner.left - outer.left - pinned, 0) + Math.max(inner.right - outer.right, 0);
}

box?.addEventListener("focusin", (event) => {
  const head = event.target.closest("thead [data-key]");
  if (head) {
    standAt(head);
    reveal(head);
  }
  if (!event.target.matches("tr[data-id] > td")) return;
  makeCurrent(event.target);
  if (event.target.matches(":focus-visible")) event.target.scrollIntoView({ block: "nearest", inline: "nearest" });
});

// Arrow up in the first row moves to the heads. Grips use the other arrows themselves.
onKey(box, (event) => {
  const head = event.target.closest("thead [data-key]");
  if (!head || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = heads();
  const step = event.target.matches(".grip") ? 0 : { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const next = { Home: all[0], End: all.at(-1) }[event.key] ?? (step && all[all.indexOf(head) + step]);
  if (next) stopOf(next).focus();
  else if (event.key === "ArrowDown") goTo(rows()[0]?.cells[head.cellIndex]);
  else if (!step) return;
  event.preventDefault();
});

// A head that was pressed by keyboard gets the focus again when the page has loaded.
const SORTED = "contactory-sorted";
box?.addEventListener("click", (event) => {
  const link = event.target.closest("thead a");
  if (link && event.detail === 0) sessionStorage.setItem(SORTED, link.closest("th").dataset.key);
});

function focusSorted() {
  const key = sessionStorage.getItem(SORTED);
  sessionStorage.removeItem(SORTED);
  if (key) box?.querySelector(`thead [data-key="${CSS.escape(key)}"] a`)?.focus();
}

onKey(box, (event) => {
  const cell = event.target;
  if (cell.tagName !== "TD" || !cell.closest("tr[data-id]") || event.altKey) return;
  let target = null;
  if (event.key === "Enter" && cell.classList.contains("handle")) cell.querySelector(".open").click();
  if (event.key in STEPS && !event.ctrlKey && !event.metaKey) {
    target = neighbour(cell, ...STEPS[event.key]);
    if (!target && event.key.startsWith("Page")) target = edge(cell, event.key === "PageDown");
    const head = table().tHead.rows[0].cells[cell.cellIndex];
    if (!target && event.key === "ArrowUp" && head.dataset.key) stopOf(head).focus();
  } else if (event.key === "Home" || event.key === "End") {
    target = ends(cell, event.key, event.ctrlKey || event.metaKey);
  } else return;
  event.preventDefault();
  goTo(target);
});

function edge(cell, last) {
  const row = last ? rows().at(-1) : rows()[0];
  return row.cells[cell.cellIndex];
}

function prepareRow(row) {
  for (const cell of row.cells) cell.tabIndex = -1;
  for (const inner of row.cells[0].children) inner.tabIndex = -1;
}

function prepareTable(made) {
  made.setAttribute("role", "grid");
  made.closest(".grid-frame").removeAttribute("tabindex");
  standAt(heads()[0]);
}

onArrival((arrived, anew) => {
  if (anew && table()) prepareTable(table());
  for (const row of arrived) prepareRow(row);
  if (!current?.isConnected) goTo(rows()[0]?.cells[1], { focus: false });
});
focusSorted();

document.querySelector('.skip[href="#rows"]')?.addEventListener("click", (event) => {
  event.preventDefault();
  goTo(current);
});

box?.addEventListener("htmx:afterSwap", (event) => {
  // A search changes the number of contacts; further rows do not.
  if (event.detail.target === box) document.body.dispatchEvent(new Event("counted"));
});
