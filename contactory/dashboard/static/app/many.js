// Bulk changes: rows are selected by their boxes (a range with Shift), or all contacts that match the filter. A
// change runs piece by piece, shows its progress, and can be stopped and undone.
import { here, reload } from "./grid.js";
import { guard } from "./leaving.js";
import { busy, inPieces, shown, summary } from "./pieces.js";
import { get, reason } from "./requests.js";
import { did, grew, offer } from "./steps.js";
import { tagEditor } from "./tags.js";
import { toast } from "./toasts.js";

const MOST_UNDONE = 20_000;
const MOST_UNTYPED = 50; // More contacts are deleted only if their number is typed.
const bar = document.getElementById("many");
const grid = document.getElementById("grid");
const status = bar?.querySelector("[data-status]");
const work = document.getElementById("many-work");
// All contacts that match the filter, and not only those on the page: the query of the list on which they were
// selected, and their number, which the server has counted.
let everything = null;
let query = location.search.slice(1); // Of the list that is shown.
let last = null;

const boxes = () => [...grid.querySelectorAll('tbody input[name="contact"]')];
const chosen = () => boxes().filter((box) => box.checked);

function show() {
  const count = chosen().length;
  if (!count || count < boxes().length) everything = null;
  bar.hidden = !count;
  bar.querySelector("[data-everything]").hidden = everything || count < boxes().length || !grid.querySelector("tr.more");
  if (!everything) status.textContent = `${count} selected`;
  else status.textContent = everything.number === null ? "Counting…" : `All ${shown(everything.number)} selected`;
  const head = grid.querySelector("[data-all]");
  if (head) {
    head.checked = count > 0 && count === boxes().length;
    head.indeterminate = count > 0 && count < boxes().length;
  }
  for (const box of boxes()) box.closest("tr").classList.toggle("chosen", box.checked);
}

grid?.addEventListener("click", (event) => {
  const box = event.target.closest('input[name="contact"]');
  if (!box) return;
  if (event.shiftKey && last?.isConnected) {
    const all = boxes();
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
    for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  }
  last = box;
  show();
});

grid?.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
  else if (!event.target.matches('input[name="contact"]')) return;
  show();
});

grid?.addEventListener("keydown", (event) => {
  const box = event.target.tagName === "TD" && event.target.closest("tr").querySelector('input[name="contact"]');
  if (!box || event.key !== " ") return;
  event.preventDefault();
  box.checked = !box.checked;
  last = box;
  show();
});

/** Selects all contacts that match, once the server has counted them. */
async function selectEverything() {
  const mine = { query, number: null };
  everything = mine;
  show();
  const answer = await get(`${here()}/count?${mine.query}${mine.query && "&"}exact=1`).catch(() => null);
  if (everything !== mine) return;
  const found = await answer?.json().catch(() => null);
  if (answer?.ok) mine.number = found.count;
  else {
    everything = null;
    toast(reason(answer && { status: answer.status, problem: found }), { bad: true });
  }
  show();
}

// Other contacts are shown: the selection ends, because it would be another one. The same list again keeps it.
let before = null; // The selection before the list is loaded again.

grid?.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (bar && detail.target === grid && detail.shouldSwap) before = new Set(chosen().map((box) => box.value));
});

function keepSelection() {
  const same = query === location.search.slice(1);
  query = location.search.slice(1);
  if (same) for (const box of boxes()) box.checked = before.has(box.value);
  else {
    everything = null;
    if (before.size) toast("The list has changed, so nothing is selected any more.");
  }
  before = null;
}

document.addEventListener("htmx:load", () => {
  if (!bar) return;
  if (before) keepSelection();
  if (everything) for (const box of boxes()) box.checked = true;
  show();
});

bar?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches("[data-everything]")) selectEverything();
  else if (button.matches("[data-none]")) for (const box of boxes()) box.checked = false;
  else if (everything?.number === null) return; // They are being counted.
  else if (button.matches("[data-export]")) return exportChosen();
  else if (button.dataset.action) return ask(button.dataset.action);
  show();
});

const sheet = document.getElementById("export-work");
sheet?.querySelector("[data-cancel]").addEventListener("click", () => sheet.close());
sheet?.querySelector("form").addEventListener("submit", () => setTimeout(() => sheet.close()));

/** Asks how to export, and sends a normal form: the answer is a file, and the page stays. */
function exportChosen() {
  const wanted = everything ? [["all", "1"], ["back", everything.query]] : named().map((each) => ["contact", each]);
  const inputs = wanted.map(([name, value]) => Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  sheet.querySelector("h2").textContent = `Export: ${status.textContent.toLowerCase()}`;
  sheet.querySelector("[data-targets]").replaceChildren(...inputs);
  sheet.showModal();
}

const named = () => chosen().map((box) => `${box.value}:${box.closest("tr").dataset.version}`);
let asked = null; // What the dialog asks about: {action, how, targets} or {action, how, query, number}.
let tags = null; // The editor of the tags in the dialog.

guard(() => Boolean(work?.open && (tags?.value().length || work.querySelector("#many-value").value)));

/** Prepares an action: asks for the tags or the value if the action needs them, or for the number. */
function ask(action) {
  if (busy()) return toast("A bulk change is running: wait until it has ended, or stop it.", { bad: true });
  const how = { addTags: "Add tags", removeTags: "Remove tags", set: "Set a field", delete: "Delete" }[action];
  asked = { action, how, ...(everything ?? { targets: named() }) };
  tags = action.endsWith("Tags") ? tagEditor([]) : null;
  tags?.input.setAttribute("aria-label", "Tags");
  work.querySelector("[data-tags-here]").replaceChildren(...(tags ? [tags.element] : []));
  work.querySelector("[data-field-here]").hidden = action !== "set";
  work.querySelector("[data-go]").textContent = how;
  work.querySelector("[data-go]").className = `button ${action === "delete" ? "button-bad" : "button-first"}`;
  return open();
}

const count = () => asked.number ?? asked.targets.length;

/** Opens the dialog, also again after a refusal, with its reason: what was typed is still in it. */
function open(refusal = "") {
  const typed = work.querySelector("[data-number-here]");
  work.querySelector("h2").textContent = `${asked.how}: ${asked.targets ? "" : "all "}${shown(count())} selected`;
  typed.hidden = asked.action !== "delete" || (asked.targets && count() <= MOST_UNTYPED);
  typed.querySelector("input").value = "";
  typed.querySelector("strong").textContent = shown(count());
  complain(refusal);
  work.showModal();
  const first = work.querySelector(".edit-tags input, [data-field-here]:not([hidden]) select, [data-number-here]:not([hidden]) input");
  (first ?? work.querySelector("[data-go]")).focus();
}

function complain(words) {
  const message = work.querySelector('[role="alert"]');
  message.textContent = words;
  message.hidden = !words;
}

work?.querySelector("form").addEventListener("submit", (event) => {
  if (event.submitter?.value === "cancel") return;
  event.preventDefault();
  const { column, value } = event.target.elements;
  const number = work.querySelector("[data-number-here] input");
  const extra = tags ? tags.value().map((name) => ["tags", name]) : [];
  if (asked.action === "set") extra.push([column.value, value.value.trim()]);
  if (tags && !extra.length) tags.input.focus();
  else if (!number.parentElement.hidden && number.value.replace(/[\s.,'’]/g, "") !== String(count())) {
    complain("Type the number of contacts to delete.");
    number.focus();
  } else {
    work.close();
    run(extra);
  }
});

async function run(extra) {
  const { how } = asked;
  let step = null;
  const after = ({ changed }) => {
    if (changed.length) step ??= did({ title: `${how}: contacts changed`, targets: [], whole: true });
    if (step) grew(step, changed);
  };
  const total = await inPieces({ ...asked, extra, after });
  const { failure } = total;
  if (failure && !total.sent) return refused(failure);
  const words = failure ? `${summary(how, total)} ${reason(failure)}` : summary(how, total);
  const bad = Boolean(failure) || Object.keys(total.refused).length > 0;
  if (step && total.changed.length <= MOST_UNDONE) offer(step, words, { bad });
  else toast(words, { bad });
  for (const box of boxes()) box.checked = false;
  everything = null;
  return reload();
}

/** Nothing was changed: the dialog comes back with the reason, and with the number of contacts now. */
function refused(failure) {
  const [error] = failure.problem?.errors ?? [];
  if (error?.code === "count_changed") {
    asked.number = Number(error.suggestion);
    if (everything?.query === asked.query) everything.number = asked.number;
    show();
  }
  open(reason(failure));
}

document.addEventListener("contacts:changed", (event) => {
  if (grid && event.detail.whole) reload();
});

if (bar) show();
