// Editing in place: Enter or a click opens the cell, Enter saves, Tab saves and opens the next, Escape cancels.
// A change is sent with the version of the displayed row. If another user has changed the cell in the
// meantime, the user chooses between both values.
import { descriptionOf, editorFor, shownValue } from "./editors.js";
import { cellOf, goTo, here, neighbour, rowOf, table } from "./grid.js";
import { onKey } from "./keys.js";
import { showMoments } from "./moments.js";
import { reason, send } from "./requests.js";
import { toast } from "./toasts.js";
import { remember } from "./undo.js";

const box = document.getElementById("grid");
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

/** Opens a cell; with `value` and `error`, shows the typed value and why it was refused. */
function begin(cell, { value, error } = {}) {
  if (open) finish(open, 0);
  const before = shownValue(cell);
  const editor = editorFor(descriptionOf(cell), value ?? before, titleOf(cell.dataset.key));
  // The value as the input has it: an untouched value must not count as a change.
  const untouched = value === undefined ? editor.value() : null;
  open = { cell, before, editor, untouched, left: [...cell.childNodes] };
  cell.replaceChildren(editor.element);
  cell.classList.add("editing");
  if (error) editor.complain(error);
  editor.focus();
}

/** Restores the cell. */
function close(editing) {
  if (open === editing) open = null;
  editing.cell.classList.remove("editing");
  editing.cell.replaceChildren(...editing.left);
}

/** Ends the editing and saves a change; then moves `step` cells on, or stays if `step` is null. */
function finish(editing, step) {
  const value = editing.editor.value();
  const { cell, before, untouched } = editing;
  const next = step === null ? cell : neighbour(cell, step, 0) ?? cell;
  close(editing);
  if (step !== 0) goTo(next);
  if (!same(value, untouched) && !same(value, before)) {
    save(cell, before, value);
    editing.editor.twins?.().then((twins) => twins.forEach((twin) => offerTwin(cell, value, ...twin)));
  }
  if (step && canEdit(next) && next !== cell) begin(next);
}

onKey(box, (event) => {
  if (!open?.cell.contains(event.target) || event.target === open.cell) return;
  if (event.key === "Escape") {
    const { cell } = open;
    close(open);
    goTo(cell);
  } else if (event.key === "Enter" && event.shiftKey && event.target.tagName === "TEXTAREA") return;
  else if (event.key === "Enter" && !event.defaultPrevented) finish(open, null);
  else if (event.key === "Tab" && !event.defaultPrevented) finish(open, event.shiftKey ? -1 : 1);
  else return;
  event.preventDefault();
  event.stopPropagation();
});

box?.addEventListener("focusout", (event) => {
  const editing = open;
  if (!editing?.cell.contains(event.target) || editing.cell.contains(event.relatedTarget)) return;
  // Do not save when the page itself loses the focus (another window).
  setTimeout(() => {
    if (open === editing && document.hasFocus() && !editing.cell.contains(document.activeElement)) finish(editing, 0);
  });
});

/** Offers to replace a new tag by one that looks like it, if the cell was left before its picker could say so. */
function offerTwin(cell, value, name, twin) {
  const { id } = cell.closest("tr").dataset;
  const other = [...new Set(value.map((each) => (each === name ? twin : each)))];
  const run = () => inTurn(id, () => sendChange(id, cell.dataset.key, value, other));
  toast(`“${name}” is a new tag. There is a tag “${twin}” already.`, { action: { title: `Use “${twin}”`, run } });
}

const formOf = (key, value, version) => {
  const values = Array.isArray(value) ? value : [value];
  return [...(values.length ? values : [""]).map((each) => [key, each]), ["version", version]];
};

const queues = new Map(); // By contact: each change waits for the previous one, and uses the row that it returned.

/** Sends a change of a cell. */
function save(cell, before, value) {
  const { id } = cell.closest("tr").dataset;
  const { key } = cell.dataset;
  cell.classList.add("saving");
  return inTurn(id, () => sendChange(id, key, before, value));
}

/** Runs an action on a contact after all earlier actions on it. */
function inTurn(id, work) {
  const mine = (queues.get(id) ?? Promise.resolve()).then(work);
  queues.set(id, mine);
  return mine.finally(() => {
    if (queues.get(id) === mine) queues.delete(id);
  });
}

async function sendChange(id, key, before, value) {
  cellOf(id, key)?.classList.add("saving");
  const known = rowOf(id)?.dataset.version ?? "";
  const answer = await ask(`${here()}/${id}/row`, formOf(key, value, known));
  cellOf(id, key)?.classList.remove("saving");
  if (!answer) return;
  if (answer.ok) {
    const version = replaceRow(id, answer.text);
    if (known && version !== known) offerUndo(id, key, version);
  } else if (answer.status === 412) await settle(id, key, before, value);
  else if (answer.status !== 401) refuse(id, key, value, answer.problem);
}

async function ask(path, values) {
  try {
    return await send(path, values);
  } catch {
    toast("The server cannot be reached, so the change was not saved. Try again in a moment.", { bad: true });
    return null;
  }
}

/** Updates a row; returns its version. Keeps the cells, so that the focus and typed text are not lost. */
function replaceRow(id, html) {
  const row = rowOf(id);
  if (!row) return null;
  const parsed = new DOMParser().parseFromString(`<table>${html}</table>`, "text/html");
  const fresh = document.adoptNode(parsed.querySelector("tr[data-id]"));
  if (row.dataset.version !== fresh.dataset.version) countAgain();
  row.dataset.version = fresh.dataset.version;
  const names = (one) => one.querySelectorAll(".handle [aria-label]");
  names(row).forEach((control, index) => (control.ariaLabel = names(fresh)[index].ariaLabel));
  for (const cell of row.querySelectorAll("td[data-key]")) {
    const content = fresh.querySelector(`[data-key="${CSS.escape(cell.dataset.key)}"]`)?.childNodes ?? [];
    if (open?.cell === cell) open.left = [...content];
    else cell.replaceChildren(...content);
  }
  showMoments(row);
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

function refuse(id, key, value, problem) {
  const cell = cellOf(id, key);
  const [first] = problem.errors ?? [];
  const detail = first?.detail ?? problem.detail;
  const words = first?.suggestion ? `${detail.replace(/\.?$/, ".")} Did you mean ${first.suggestion}?` : detail;
  if (!cell || open) toast(words, { bad: true });
  else {
    goTo(cell);
    begin(cell, { value, error: words });
  }
}

/** Shows the current row of a contact; returns whether there is one. */
async function refresh(id) {
  const answer = rowOf(id) && (await fetch(`${here()}/${id}/row`, { headers: { "HX-Request": "true" } }).catch(() => null));
  if (!answer?.ok) return false;
  replaceRow(id, await answer.text());
  return true;
}

/** Another user was faster: with another cell, our change continues; with this cell, the user chooses. */
async function settle(id, key, before, value) {
  if (!(await refresh(id))) {
    toast("This contact has been deleted in the meantime.", { bad: true });
    return;
  }
  const cell = cellOf(id, key);
  const theirs = shownValue(cell);
  if (same(theirs, before)) await sendChange(id, key, before, value);
  else if (!same(theirs, value)) offerBoth(cell, theirs, value);
}

const shown = (value) => (Array.isArray(value) ? value.join(", ") : value) || "nothing";

function offerBoth(cell, theirs, ours) {
  const left = [...cell.childNodes];
  const choice = document.createElement("div");
  choice.className = "edit conflict";
  choice.setAttribute("role", "alertdialog");
  choice.setAttribute("aria-label", "Another user has changed this value");
  const words = document.createElement("p");
  words.textContent = `Another user has changed this value to “${shown(theirs)}”.`;
  const done = (use) => {
    cell.classList.remove("editing");
    cell.replaceChildren(...left);
    goTo(cell);
    if (use) save(cell, theirs, ours);
  };
  const keep = choiceButton(`Keep “${shown(theirs)}”`, () => done(false));
  choice.append(words, keep, choiceButton(`Use “${shown(ours)}”`, () => done(true)));
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

/** Offers to undo the change that created this version, by the history, because a cell may show less. */
function offerUndo(id, key, version) {
  const undo = remember(async () => {
    message.remove();
    await inTurn(id, () => takeBack(id, key, version));
  });
  const message = toast(`${titleOf(key)} changed.`, { action: { title: "Undo", run: undo } });
}

async function takeBack(id, key, version) {
  const answer = await ask(`${here()}/many`, [["action", "undo"], ["contact", `${id}:${version}`]]);
  if (!answer) return;
  const [refused] = answer.ok ? Object.keys(JSON.parse(answer.text).refused) : [reason(answer)];
  if (refused) toast(refused, { bad: true });
  await refresh(id);
  const cell = cellOf(id, key);
  if (cell) goTo(cell);
  else if (!refused) toast("The change was undone.");
}
