// Bulk changes of the selected contacts: a dialog asks for the tags, the value or the number, and the change runs
// piece by piece. If nothing was changed, the dialog comes back with the reason and with what was typed.
import { editorFor } from "./editors.js";
import { reload } from "./grid.js";
import { guard } from "./leaving.js";
import { clear, recount, selected, selectedWords } from "./many.js";
import { busy, inPieces, shown, summary } from "./pieces.js";
import { reason } from "./requests.js";
import { did, grew, offer } from "./steps.js";
import { tagEditor } from "./tags.js";
import { toast } from "./toasts.js";

const MOST_UNDONE = 20_000;
const MOST_UNTYPED = 50; // More contacts are deleted only if their number is typed.
const TITLES = { addTags: "Add tags", removeTags: "Remove tags", set: "Set a field", delete: "Delete" };
const work = document.getElementById("many-work");
const form = work?.querySelector("form");
const part = (name) => form.querySelector(`[data-${name}]`);
let asked = null; // What the dialog asks about: {action, how, targets} or {action, how, query, number}.
let tags = null; // The editor of the tags in the dialog.

const count = () => asked.number ?? asked.targets.length;
const value = () => form.querySelector("#many-value")?.value.trim() ?? "";

guard(() => Boolean(work?.open && (tags?.value().length || (asked.action === "set" && value()))));

for (const button of document.querySelectorAll("#many [data-action]")) {
  button.addEventListener("click", () => ask(button.dataset.action));
}

/** Prepares the dialog for an action. */
function ask(action) {
  const selection = selected();
  if (!selection) return; // The contacts are being counted.
  if (busy()) {
    toast("A bulk change is running: wait until it has ended, or stop it.", { bad: true });
    return;
  }
  asked = { action, how: TITLES[action], ...selection };
  tags = action.endsWith("Tags") ? tagEditor([]) : null;
  tags?.input.setAttribute("aria-label", "Tags");
  part("tags-here").replaceChildren(...(tags ? [tags.element] : []));
  part("field-here").hidden = action !== "set";
  if (action === "set") offerValue();
  part("go").textContent = asked.how;
  part("go").className = `button ${action === "delete" ? "button-bad" : "button-first"}`;
  open(selectedWords());
}

/** Shows the editor that the cells of the chosen column have. */
function offerValue() {
  const { column } = form.elements;
  const show = () => {
    const [option] = column.selectedOptions;
    const editor = editorFor(JSON.parse(option.dataset.editor), "", option.text);
    editor.input.id = "many-value";
    editor.input.removeAttribute("aria-label");
    editor.input.setAttribute("aria-describedby", "many-note");
    part("value-here").replaceChildren(editor.element);
  };
  column.onchange = show;
  show();
}

/** Opens the dialog, also again after a refusal. */
function open(words, refusal = "") {
  const typed = part("number-here");
  work.querySelector("h2").textContent = `${asked.how}: ${words}`;
  typed.hidden = asked.action !== "delete" || (Boolean(asked.targets) && count() <= MOST_UNTYPED);
  typed.querySelector("input").value = "";
  typed.querySelector("strong").textContent = shown(count());
  complain(refusal);
  work.showModal();
  const first = asked.action === "set" ? form.elements.column : (tags?.input ?? (typed.hidden ? part("go") : typed.querySelector("input")));
  first.focus();
}

function complain(words) {
  part("refusal").textContent = words;
  part("refusal").hidden = !words;
}

/** Whether the number of contacts was typed, if it must be. */
function numberTyped() {
  const input = part("number-here").querySelector("input");
  if (part("number-here").hidden || input.value.replace(/[\s.,'’]/g, "") === String(count())) return true;
  complain(`Nothing was deleted: type ${shown(count())}, the number of contacts.`);
  input.focus();
  return false;
}

form?.addEventListener("submit", async (event) => {
  if (event.submitter?.value === "cancel") return;
  event.preventDefault();
  if (asked.action === "addTags" && !(await tags.settled())) return; // A note says which tag a new one looks like.
  const extra = tags ? tags.value().map((name) => ["tags", name]) : [];
  if (asked.action === "set") extra.push([form.elements.column.value, value()]);
  if (tags && !extra.length) tags.input.focus();
  else if (numberTyped()) {
    work.close();
    run(extra);
  }
});

async function run(extra) {
  const { how } = asked;
  let step = null;
  const after = ({ changed }) => {
    if (changed.length) step ??= did({ title: how, targets: [], whole: true });
    if (step) grew(step, changed);
  };
  const total = await inPieces({ ...asked, extra, after });
  const { failure } = total;
  if (failure && !total.sent) refused(failure);
  else {
    const words = failure ? `${summary(how, total)} ${reason(failure)}` : summary(how, total);
    const bad = Boolean(failure) || Object.keys(total.refused).length > 0;
    if (step && total.changed.length <= MOST_UNDONE) offer(step, words, { bad });
    else toast(words, { bad });
    clear();
    reload();
  }
}

/** Nothing was changed: the dialog comes back with the reason, and with the number of contacts now. */
function refused(failure) {
  const [error] = failure.problem?.errors ?? [];
  if (error?.code === "count_changed") {
    asked.number = Number(error.suggestion);
    recount(asked);
  }
  open(asked.targets ? `${shown(count())} selected` : `all ${shown(count())} selected`, reason(failure));
}

document.addEventListener("contacts:changed", (event) => {
  if (event.detail.whole) reload();
});
