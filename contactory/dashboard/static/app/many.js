// Bulk changes: rows are selected by their boxes (a range with Shift), or all contacts that match the filter. A
// change runs piece by piece, shows its progress, and can be stopped and undone.
import { onArrival } from "./arrivals.js";
import { editorFor } from "./editors.js";
import { here, shownRows } from "./grid.js";
import { onKey } from "./keys.js";
import { send } from "./requests.js";
import { tagEditor } from "./tags.js";
import { toast } from "./toasts.js";
import { remember } from "./undo.js";

const PIECE = 250;
const MOST_UNDONE = 20_000;
const bar = document.getElementById("many");
const grid = document.getElementById("grid");
const status = bar?.querySelector("[data-status]");
const work = document.getElementById("many-work");
let everything = false; // All contacts that match the filter, not only those on the page.
let last = null;

const picked = new Set(); // The boxes that are checked.

const boxes = () => [...grid.querySelectorAll('tbody input[name="contact"]')];
const chosen = () => boxes().filter((box) => box.checked);

function mark(box, checked) {
  box.checked = checked;
  box.closest("tr").classList.toggle("chosen", checked);
  if (checked) picked.add(box);
  else picked.delete(box);
}

function show() {
  const [count, all] = [picked.size, shownRows()];
  if (!count || count < all) everything = false;
  bar.hidden = !count;
  bar.querySelector("[data-everything]").hidden = everything || count < all || !grid.querySelector("tbody > .more");
  const total = document.getElementById("count").textContent.trim();
  status.textContent = everything ? `All ${total} selected` : `${count} selected`;
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

if (bar) {
  onArrival((rows, anew) => {
    if (anew) picked.clear();
    for (const box of rows.map((row) => row.querySelector('input[name="contact"]'))) mark(box, everything || box.checked);
    show();
  });
}

bar?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches("[data-everything]")) everything = true;
  else if (button.matches("[data-none]")) for (const box of boxes()) mark(box, false);
  else if (button.matches("[data-export]")) return exportChosen();
  else if (button.dataset.action) return ask(button.dataset.action);
  show();
});

const sheet = document.getElementById("export-work");
sheet?.querySelector("[data-cancel]").addEventListener("click", () => sheet.close());
sheet?.querySelector("form").addEventListener("submit", () => setTimeout(() => sheet.close()));

/** Asks how to export, and sends a normal form: the answer is a file, and the page stays. */
function exportChosen() {
  const wanted = everything ? [["all", "1"], ["back", location.search.slice(1)]] : versions(chosen().map((box) => box.closest("tr"))).map((each) => ["contact", each]);
  const inputs = wanted.map(([name, value]) => Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  sheet.querySelector("h2").textContent = `Export: ${status.textContent.toLowerCase()}`;
  sheet.querySelector("[data-targets]").replaceChildren(...inputs);
  sheet.showModal();
}

/** Prepares an action: asks for the tags or the value if the action needs them. */
function ask(action) {
  const form = work.querySelector("form");
  const how = { addTags: "Add tags", removeTags: "Remove tags", set: "Set a field", delete: "Delete" }[action];
  work.querySelector("h2").textContent = `${how}: ${status.textContent.toLowerCase()}`;
  const place = form.querySelector("[data-tags-here]");
  const wantsTags = action.endsWith("Tags");
  const editor = wantsTags ? tagEditor([]) : null;
  if (action === "set") offerValue(form);
  if (editor) editor.input.setAttribute("aria-label", "Tags");
  place.replaceChildren(...(editor ? [editor.element] : []));
  form.querySelector("[data-field-here]").hidden = action !== "set";
  form.querySelector("[data-go]").textContent = how;
  form.querySelector("[data-go]").className = `button ${action === "delete" ? "button-bad" : "button-first"}`;
  form.onsubmit = async (event) => {
    if (event.submitter?.value === "cancel") return;
    event.preventDefault();
    if (action === "addTags" && !(await editor.settled())) return; // A note says which tag a new one looks like.
    const extra = editor ? editor.value().map((name) => ["tags", name]) : [];
    if (action === "set") extra.push([form.elements.column.value, form.querySelector("#many-value").value.trim()]);
    if (wantsTags && !extra.length) return void editor.focus?.();
    work.close();
    run(action, extra, how);
  };
  work.showModal();
  (editor?.input ?? form.querySelector(action === "set" ? "select" : "[data-go]")).focus();
}

/** Shows the editor that the cells of the chosen column have. */
function offerValue(form) {
  const { column } = form.elements;
  const show = () => {
    const [option] = column.selectedOptions;
    const editor = editorFor(JSON.parse(option.dataset.editor), "", option.text);
    editor.input.id = "many-value";
    editor.input.removeAttribute("aria-label");
    editor.input.setAttribute("aria-describedby", "many-note");
    form.querySelector("[data-value-here]").replaceChildren(editor.element);
  };
  column.onchange = show;
  show();
}

const versions = (list) => list.map((row) => `${row.dataset.id}:${row.dataset.version}`);

/** Returns the next pieces to send, each a list of form fields, until there are no more. */
function* named(targets) {
  for (let at = 0; at < targets.length; at += PIECE) yield targets.slice(at, at + PIECE).map((each) => ["contact", each]);
}

async function run(action, extra, how) {
  const targets = everything ? null : versions(chosen().map((box) => box.closest("tr")));
  const back = location.search.slice(1);
  const total = await through(action, extra, targets, back, how);
  if (!total) return;
  report(total, how);
  refresh();
}

async function through(action, extra, targets, back, how) {
  const total = { changed: [], same: 0, refused: {}, stopped: false };
  const progress = progressOf(how, () => {
    total.stopped = true;
  });
  const pieces = targets && named(targets);
  let cursor = "";
  while (!total.stopped) {
    const piece = pieces ? pieces.next().value : [["all", "1"], ["cursor", cursor], ["back", back]];
    if (!piece) break;
    const answer = await send(`${here()}/many`, [["action", action], ...extra, ...piece]).catch(() => null);
    if (!answer?.ok) {
      progress.remove();
      toast(answer?.problem?.errors?.[0]?.detail ?? answer?.problem?.detail ?? "The server cannot be reached.", { bad: true });
      return total.changed.length ? total : null;
    }
    const found = JSON.parse(answer.text);
    total.changed.push(...found.changed);
    total.same += found.same;
    for (const [reason, count] of Object.entries(found.refused)) total.refused[reason] = (total.refused[reason] ?? 0) + count;
    progress.say(total);
    cursor = found.next;
    if (!pieces && !cursor) break;
  }
  progress.remove();
  return total;
}

function progressOf(how, stop) {
  const message = toast(`${how}…`, { action: { title: "Stop", run: stop }, lasting: true });
  return {
    remove: () => message.remove(),
    say: (total) => {
      message.querySelector("span").textContent = `${how}: ${shown(total.changed.length + total.same)} done`;
    },
  };
}

/** A number in the same format as elsewhere on the page. */
function shown(count) {
  return count.toLocaleString("en");
}

function report(total, how) {
  const parts = [`${how}: ${shown(total.changed.length)} changed`];
  if (total.same) parts.push(`${shown(total.same)} were already up to date`);
  for (const [reason, count] of Object.entries(total.refused)) parts.push(`${shown(count)} not: ${reason}`);
  if (total.stopped) parts.push("stopped");
  const undoable = total.changed.length > 0 && total.changed.length <= MOST_UNDONE;
  const back = undoable && remember(async () => {
    message.remove();
    const undone = await through("undo", [], total.changed, "", "Undo");
    if (undone) report({ ...undone, changed: [...undone.changed] }, "Undo");
    refresh();
  });
  const bad = Object.keys(total.refused).length > 0;
  const message = toast(`${parts.join("; ")}.`, { bad, action: undoable && how !== "Undo" ? { title: "Undo", run: back } : undefined });
}

function refresh() {
  everything = false;
  window.htmx.ajax("GET", location.pathname + location.search, { target: "#grid", swap: "innerHTML" });
}
