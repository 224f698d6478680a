// Editing in place: Enter or a click opens the cell, Enter saves, Tab saves and opens the next, Escape cancels.
// A change is sent with the version of the displayed row. If another user has changed the cell in the
// meantime, the user chooses between both values. A change that could not be saved is kept (edits.js).
import { onArrival } from "./arrivals.js";
import { descriptionOf, editorFor, shownValue } from "./editors.js";
import { drop, keep, keptAt, keptEdits, text } from "./edits.js";
import { cellOf, goTo, here, neighbour, rowOf, table } from "./grid.js";
import { onKey } from "./keys.js";
import { guard } from "./leaving.js";
import { showMoments } from "./moments.js";
import { get, reason, send, wordsAt } from "./requests.js";
import { did, offer } from "./steps.js";
import { toast } from "./toasts.js";
import { hold } from "./undo.js";

const box = document.getElementById("grid");
let choosing = null; // Two values of a cell, of which the user chooses one: {theirs, edit}.
let open = null; // The cell that is being edited: {cell, before, editor, left}.

const canEdit = (cell) => table()?.hasAttribute("data-editable") && descriptionOf(cell) !== null;
const titleOf = (key) => box.querySelector(`thead [data-key="${CSS.escape(key)}"]`)?.textContent.trim() ?? key;
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

box?.addEventListener("click", (event) => {
  const cell = event.target.closest("tbody tr[data-id] td[data-key]");
  if (!cell || event.target.closest("a, button, input, form") || !getSelection().isCollapsed) return;
  goTo(cell);
  if (canEdit(cell)) begin(cell);
});

onKey(box, (event) => {
  const cell = event.target;
  if (cell.tagName !== "TD" || !cell.dataset.key || !["Enter", "F2"].includes(event.key)) return;
  event.preventDefault();
  if (canEdit(cell)) begin(cell);
});

/** Opens a cell; with a kept `edit` of it, shows what was typed and why it was not saved. */
function begin(cell, edit = keptAt(cell.closest("tr").dataset.id, cell.dataset.key)) {
  if (open) finish(open, 0);
  if (edit) drop(edit);
  const before = shownValue(cell);
  const editor = editorFor(descriptionOf(cell), edit?.value ?? before, titleOf(cell.dataset.key));
  // The value as the input has it: an untouched value must not count as a change.
  const untouched = edit ? null : editor.value();
  open = { cell, before, editor, untouched, again: edit?.again, left: [...cell.childNodes] };
  cell.replaceChildren(editor.element);
  cell.classList.add("editing");
  if (edit) editor.complain(edit.words, edit.other && `${here()}/${edit.other}`);
  if (edit?.gone) editor.element.append(choiceButton("Restore and save", () => restore(edit)));
  if (edit?.again) editor.element.append(choiceButton("Try again", () => finish(open, null)));
  editor.focus();
}

const changed = ({ editor, untouched, before }) => !same(editor.value(), untouched) && !same(editor.value(), before);

guard(() => Boolean(choosing || (open && changed(open))));

window.addEventListener("online", () => {
  if (open?.again) finish(open, null);
});

// The table is loaded again: what is being typed is saved before, and a choice goes on as a message.
box?.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== box || !event.detail.shouldSwap) return;
  if (open) finish(open, 0);
  if (choosing) keepBoth(choosing.theirs, choosing.edit);
  choosing = null;
});

/** Restores the cell. */
function close(editing) {
  if (open === editing) open = null;
  editing.cell.classList.remove("editing");
  editing.cell.replaceChildren(...editing.left);
}

/** Ends the editing and saves a change; then moves `step` cells on, or stays if `step` is null. */
function finish(editing, step) {
  const { cell, before, editor } = editing;
  const [value, isChange] = [editor.value(), changed(editing)];
  const next = step === null ? cell : neighbour(cell, step, 0) ?? cell;
  close(editing);
  if (step !== 0) goTo(next);
  if (isChange) save(cell, before, value, editor.twins);
  if (step && canEdit(next) && next !== cell) begin(next);
}

onKey(box, (event) => {
  if (!open?.cell.contains(event.target) || event.target === open.cell) return;
  if (event.key === "Escape") {
    const { cell } = open;
    close(open);
    goTo(cell);
  } else if (event.key === "Enter" && event.shiftKey && event.target.tagName === "TEXTAREA") return;
  else if (event.key === "Enter" && event.target.closest("a, button")) return; // Of an error.
  else if (event.key === "Tab" && leadsOn(event)) return;
  else if (event.key === "Enter" && !event.defaultPrevented) finish(open, null);
  else if (event.key === "Tab" && !event.defaultPrevented) finish(open, event.shiftKey ? -1 : 1);
  else return;
  event.preventDefault();
  event.stopPropagation();
});

/** Whether Tab stays in the cell: an error may have a link or a button. */
function leadsOn({ target, shiftKey }) {
  if (!open.cell.querySelector(".error:not(:empty)")) return false;
  const inner = [...open.cell.querySelectorAll("input, select, textarea, a, button")];
  return Boolean(inner[inner.indexOf(target) + (shiftKey ? -1 : 1)]);
}

box?.addEventListener("focusout", (event) => {
  const editing = open;
  if (!editing?.cell.contains(event.target) || editing.cell.contains(event.relatedTarget)) return;
  // Do not save when the page itself loses the focus (another window).
  setTimeout(() => {
    if (open === editing && document.hasFocus() && !editing.cell.contains(document.activeElement)) finish(editing, 0);
  });
});

/** Offers to replace a new tag by one that looks like it, if the cell was left before its picker could say so. */
function offerTwin({ id, key, title, value }, [name, twin]) {
  const other = [...new Set(value.map((each) => (each === name ? twin : each)))];
  const run = () => saveEdit({ id, key, title, before: value, value: other });
  toast(`“${name}” is a new tag. There is a tag “${twin}” already.`, { action: { title: `Use “${twin}”`, run } });
}

const formOf = (key, value, version) => {
  const values = Array.isArray(value) ? value : [value];
  return [...(values.length ? values : [""]).map((each) => [key, each]), ["version", version]];
};

const versions = new Map(); // By contact: the last known version, also of rows that are not in sight.
const queues = new Map(); // By contact: each change waits for the previous one, and uses the row that it returned.

/** Sends a change of a cell; `twinsOf` finds the new tags that look like others, before they exist. */
function save(cell, before, value, twinsOf) {
  const { id, version } = cell.closest("tr").dataset;
  const { key } = cell.dataset;
  versions.set(id, version);
  cell.classList.add("saving");
  return saveEdit({ id, key, title: titleOf(key), before, value }, twinsOf);
}

function saveEdit(edit, twinsOf) {
  const work = async () => {
    const twins = (await twinsOf?.()) ?? [];
    await sendEdit(edit);
    for (const twin of twins) offerTwin(edit, twin);
  };
  return hold(inTurn(edit.id, work));
}

/** Runs an action on a contact after all earlier actions on it. */
function inTurn(id, work) {
  const mine = (queues.get(id) ?? Promise.resolve()).then(work);
  queues.set(id, mine);
  return mine.finally(() => {
    if (queues.get(id) === mine) queues.delete(id);
  });
}

const OUT = "You are signed out, so this was not saved.";
const AWAY = "The server cannot be reached, so this was not saved.";
const GONE = "This contact has been deleted in the meantime, so this was not saved.";

async function sendEdit(edit) {
  const { id, key, title } = edit;
  cellOf(id, key)?.classList.add("saving");
  const known = rowOf(id)?.dataset.version ?? versions.get(id) ?? "";
  const values = formOf(key, edit.value, known);
  const answer = await send(`${here()}/${id}/row`, values, { lasting: true }).catch(() => null);
  cellOf(id, key)?.classList.remove("saving");
  if (answer?.ok) {
    const version = replaceRow(id, rowIn(answer.text));
    if (version === known) return;
    const step = did({ title: `${title} changed`, targets: [`${id}:${version}`], key });
    offer(step, `${title} changed.`);
  } else if (answer?.status === 412) await settle(edit);
  else if (!answer || answer.status === 401 || answer.status >= 500) refuse(edit, answer ? (answer.status === 401 ? OUT : reason(answer)) : AWAY, true);
  else if (answer.status === 404) refuse({ ...edit, gone: true }, GONE);
  else {
    const [first] = answer.problem?.errors ?? [];
    refuse({ ...edit, other: first?.contactId }, first ? wordsAt(first) : reason(answer));
  }
}

/** Restores the deleted contact of a change, and then saves the change. */
async function restore(edit) {
  const value = open.editor.value();
  close(open);
  const answer = await send(`${here()}/${edit.id}/restore`, []).catch(() => null);
  if (answer?.ok) return saveEdit({ ...edit, value });
  return refuse({ ...edit, value, gone: true }, reason(answer));
}

const rowIn = (html) => new DOMParser().parseFromString(`<table>${html}</table>`, "text/html").querySelector("tr[data-id]");

/** Updates a row; returns its version. Keeps the cells, so that the focus and typed text are not lost. */
function replaceRow(id, parsed) {
  versions.set(id, parsed.dataset.version);
  const row = rowOf(id);
  if (!row) return parsed.dataset.version;
  const fresh = document.adoptNode(parsed);
  if (row.dataset.version !== fresh.dataset.version) countAgain();
  row.dataset.version = fresh.dataset.version;
  const names = (one) => one.querySelectorAll(".handle [aria-label]");
  names(row).forEach((control, index) => (control.ariaLabel = names(fresh)[index].ariaLabel));
  for (const cell of row.querySelectorAll("td[data-key]")) {
    const content = fresh.querySelector(`[data-key="${CSS.escape(cell.dataset.key)}"]`)?.childNodes ?? [];
    if (open?.cell === cell) open.left = [...content];
    else if (!cell.querySelector(".conflict")) cell.replaceChildren(...content);
  }
  showMoments(row);
  markKept();
  return row.dataset.version;
}

const SEARCHED = 1500; // Milliseconds until the search knows a change.

/** Counts the contacts that match: a change can move a contact out of the filter, or into it. */
function countAgain() {
  const query = new URLSearchParams(location.search);
  const count = () => document.body.dispatchEvent(new Event("counted"));
  if (query.has("where") || query.has("availableNow")) count();
  if (query.get("q")) setTimeout(count, SEARCHED);
}

/** Keeps a change that was not saved: in its cell, if that is in sight and the user is not typing elsewhere. */
function refuse(edit, words, again = false) {
  const cell = cellOf(edit.id, edit.key);
  const held = { ...edit, words, again };
  const elsewhere = document.activeElement?.closest("input:not([type=checkbox]), textarea, select, dialog");
  if (cell && !open && !elsewhere) {
    goTo(cell);
    begin(cell, held);
  } else keep(held, again ? () => saveEdit(edit) : () => show(edit));
  markKept();
}

/** Opens the cell of a kept change, or the page of its contact. */
function show(edit) {
  const cell = cellOf(edit.id, edit.key);
  if (!cell) {
    toast(`${edit.title}: the contact is not in sight. Search for it, and click the cell.`, { bad: true });
    return keep(edit, () => show(edit));
  }
  goTo(cell);
  return begin(cell, edit);
}

let marked = []; // The cells that show a text that is not saved.

/** Shows in the cells what was typed and is not saved. */
function markKept() {
  for (const cell of marked) cell.classList.remove("unsaved");
  marked = [];
  for (const { id, key, value } of keptEdits()) {
    const cell = cellOf(id, key);
    if (!cell || open?.cell === cell) continue;
    cell.classList.add("unsaved");
    cell.dataset.unsaved = text(value);
    marked.push(cell);
  }
}

onArrival(markKept);
document.addEventListener("edits:changed", markKept);

/** The current row of a contact; null if it has been deleted, undefined if the server did not answer. */
async function fetchRow(id) {
  const answer = await get(`${here()}/${id}/row`).catch(() => null);
  if (answer?.status === 404) return null;
  return answer?.ok ? rowIn(await answer.text()) : undefined;
}

/** Another user was faster: with another cell, our change continues; with this cell, the user chooses. */
async function settle(edit) {
  const row = await fetchRow(edit.id);
  if (row === null) return refuse({ ...edit, gone: true }, GONE);
  if (row === undefined) return refuse(edit, AWAY, true);
  const fresh = row.querySelector(`[data-key="${CSS.escape(edit.key)}"]`);
  const theirs = fresh ? shownValue(fresh, Array.isArray(edit.before)) : edit.before;
  replaceRow(edit.id, row);
  if (same(theirs, edit.before)) return sendEdit(edit);
  if (same(theirs, edit.value)) return undefined;
  const cell = cellOf(edit.id, edit.key);
  return cell && !open ? offerBoth(cell, theirs, edit) : keepBoth(theirs, edit);
}

/** Offers both values of a cell that is not in sight. */
function keepBoth(theirs, edit) {
  const ours = { ...edit, before: theirs };
  keep({ ...ours, words: overtaken(theirs) }, () => saveEdit(ours), "Use it");
}

const overtaken = (theirs) => `Another user has changed this value to “${text(theirs)}”.`;

function offerBoth(cell, theirs, edit) {
  const ours = edit.value;
  const left = [...cell.childNodes];
  const choice = document.createElement("div");
  choice.className = "edit conflict";
  choice.setAttribute("role", "alertdialog");
  choice.setAttribute("aria-label", "Another user has changed this value");
  const words = document.createElement("p");
  words.textContent = overtaken(theirs);
  choosing = { theirs, edit };
  const done = (use) => {
    choosing = null;
    cell.classList.remove("editing");
    cell.replaceChildren(...left);
    goTo(cell);
    if (use) save(cell, theirs, ours);
  };
  const keep = choiceButton(`Keep “${text(theirs)}”`, () => done(false));
  choice.append(words, keep, choiceButton(`Use “${text(ours)}”`, () => done(true)));
  onKey(choice, (event) => {
    event.stopPropagation();
    if (event.key === "Escape") done(false);
  });
  cell.replaceChildren(choice);
  cell.classList.add("editing");
  keep.focus();
}

function choiceButton(title, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button";
  made.textContent = title;
  made.addEventListener("click", run);
  return made;
}

// A change was undone or done again, by the history, because a cell may show less.
document.addEventListener("contacts:changed", async ({ detail }) => {
  if (!box || detail.whole) return;
  for (const target of detail.targets) {
    const [id] = target.split(":");
    const row = rowOf(id) && (await hold(inTurn(id, () => fetchRow(id))));
    if (row) replaceRow(id, row);
    const cell = cellOf(id, detail.key);
    if (cell) goTo(cell);
  }
});
