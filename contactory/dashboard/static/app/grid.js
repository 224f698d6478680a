// The table of contacts as a grid (WAI-ARIA, pattern "grid"): one cell is in the Tab order, and the arrow keys
// move from there. Without this module it is a plain table.

const box = document.getElementById("grid");

export const table = () => box?.querySelector("table.grid");

/** The path of this workspace's contacts. */
export const here = () => box.dataset.here;

/** The rows of contacts, in order. */
export const rows = () => [...box.querySelectorAll("tbody tr[data-id]")];

/** The row of a contact, if it is shown. */
export const rowOf = (id) => box.querySelector(`tbody tr[data-id="${CSS.escape(id)}"]`);

/** The cell of a contact in a column. */
export const cellOf = (id, key) => rowOf(id)?.querySelector(`[data-key="${CSS.escape(key)}"]`);

/** Loads the first rows again. */
export const reload = () => window.htmx.ajax("GET", location.pathname + location.search, { target: "#grid", swap: "innerHTML" });

/** Gives `cell` the focus, or makes it the cell that gets the focus by Tab. */
export function goTo(cell, { focus = true } = {}) {
  if (!cell) return;
  for (const other of box.querySelectorAll('td[tabindex="0"]')) other.tabIndex = -1;
  cell.tabIndex = 0;
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

// Arrow up in the first row moves to the sortable heads.
function headOf(cell) {
  return cell.closest("table").tHead.rows[0].cells[cell.cellIndex]?.querySelector("a") ?? null;
}

box?.addEventListener("keydown", (event) => {
  const link = event.target.closest("thead a");
  if (!link || event.altKey || event.ctrlKey || event.metaKey) return;
  const links = [...link.closest("tr").querySelectorAll("a")];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) links[links.indexOf(link) + step]?.focus();
  else if (event.key === "ArrowDown") goTo(rows()[0]?.cells[link.closest("th").cellIndex]);
  else return;
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

box?.addEventListener("keydown", (event) => {
  const cell = event.target;
  if (cell.tagName !== "TD" || !cell.closest("tr[data-id]") || event.altKey) return;
  let target = null;
  if (event.key === "Enter" && cell.classList.contains("handle")) cell.querySelector(".open").click();
  if (event.key in STEPS && !event.ctrlKey && !event.metaKey) {
    target = neighbour(cell, ...STEPS[event.key]);
    if (!target && event.key.startsWith("Page")) target = edge(cell, event.key === "PageDown");
    if (!target && event.key === "ArrowUp" && headOf(cell)) headOf(cell).focus();
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

/** Prepares new rows. */
function prepare() {
  const shown = table();
  if (!shown) return; // No contacts are shown, or this is another page.
  // A contact that a change has moved down the order, and that appears a second time, is shown once.
  const seen = new Set();
  for (const row of rows()) {
    if (seen.has(row.dataset.id)) row.remove();
    seen.add(row.dataset.id);
  }
  shown.setAttribute("role", "grid");
  box.querySelector(".grid-frame")?.removeAttribute("tabindex");
  for (const inner of shown.querySelectorAll("tbody .handle :is(a, input)")) inner.tabIndex = -1;
  for (const cell of shown.querySelectorAll("tbody tr[data-id] td:not([tabindex])")) cell.tabIndex = -1;
  if (!shown.querySelector('td[tabindex="0"]')) goTo(rows()[0]?.cells[1], { focus: false });
}

prepare();
focusSorted();
document.addEventListener("htmx:load", prepare);

box?.addEventListener("htmx:afterSwap", (event) => {
  // A search changes the number of contacts; further rows do not.
  if (event.detail.target === box) document.body.dispatchEvent(new Event("counted"));
});
