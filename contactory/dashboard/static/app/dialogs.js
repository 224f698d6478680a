// Links with data-dialog open their targets in a dialog, and its forms are sent from there. A refused form comes
// back with its errors; a successful one returns the current rows of the list. Without scripts, the same links
// and forms lead to pages.
import { recount } from "./counts.js";
import { takeNotice } from "./notices.js";
import { get, reason, send } from "./requests.js";
import { toast } from "./toasts.js";
import { remember } from "./undo.js";

const dialog = document.createElement("dialog");
const content = document.createElement("div");
let opener = null; // The row of the dialog.

dialog.className = "sheet";
content.className = "stack";
dialog.append(closing(), content);
document.body.append(dialog);

function closing() {
  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "closing";
  const button = Object.assign(document.createElement("button"), { className: "quiet", textContent: "×" });
  button.setAttribute("aria-label", "Close");
  form.append(button);
  return form;
}

const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body;

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    open(link);
  } else if (event.target.closest("[data-close]") && dialog.contains(event.target)) {
    event.preventDefault();
    dialog.close();
  }
});

async function open(link) {
  opener = link.closest("[data-id]") ?? opener;
  const waiting = document.createElement("p");
  waiting.className = "waiting";
  waiting.textContent = "One moment…";
  dialog.removeAttribute("aria-labelledby");
  dialog.setAttribute("aria-label", link.getAttribute("aria-label") ?? link.textContent.trim());
  content.replaceChildren(waiting);
  if (!dialog.open) dialog.showModal();
  const answer = await get(link.href).catch(() => null);
  if (!content.contains(waiting)) return; // The dialog was closed, or shows something else.
  if (answer?.ok) show(await answer.text());
  else {
    dialog.close();
    toast(reason(answer && { status: answer.status, problem: await answer.json().catch(() => null) }), { bad: true });
  }
}

function show(html) {
  content.replaceChildren(...parsed(html).childNodes);
  dialog.removeAttribute("aria-label");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  const first = content.querySelector('[aria-invalid="true"]') ?? content.querySelector('form :is(input:not([type="hidden"]), .button)');
  first?.focus();
  first?.select?.();
}

dialog.addEventListener("close", () => content.replaceChildren());

dialog.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  event.preventDefault();
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  const answer = await send(form.getAttribute("action"), new FormData(form)).catch(() => null);
  for (const button of buttons) button.disabled = false;
  if (answer?.ok) done(form, answer.text);
  else if (answer?.headers.get("content-type")?.startsWith("text/html")) show(answer.text);
  else complain(form, reason(answer));
});

/** Says in the dialog why a form was not saved: messages of the page are behind it. What was typed stays. */
function complain(form, words) {
  const old = content.querySelector("[data-refusal]");
  const notice = old ?? Object.assign(document.createElement("p"), { className: "notice notice-bad" });
  notice.dataset.refusal = "";
  notice.setAttribute("role", "alert");
  notice.textContent = words;
  form.before(notice);
}

function done(form, html) {
  const body = parsed(html);
  const words = takeNotice(body);
  const { id } = opener.dataset;
  dialog.close();
  putRows(id, body);
  const before = Object.entries(JSON.parse(form.dataset.undo ?? "{}"));
  const shown = (value) => value.replace(/\r\n?/g, "\n"); // The form of an input.
  const changed = before.filter(([name, value]) => form.elements[name].value !== shown(value));
  // Only a name can be restored; values that were rewritten for another type would not change back.
  if (changed.length !== 1 || changed[0][0] !== "name") {
    toast(words);
    return;
  }
  const after = before.map(([name]) => [name, form.elements[name].value]);
  const change = async (values, done) => {
    message.remove();
    const sure = ["sure", Object.fromEntries(values).name]; // The name was there before.
    const answer = await send(form.getAttribute("action"), [...values, sure]).catch(() => null);
    if (answer?.ok) putRows(id, parsed(answer.text));
    toast(answer?.ok ? done : reason(answer), { bad: !answer?.ok });
  };
  const undo = remember(() => change(before, "The change was undone."), () => change(after, "The change was made again."));
  const message = toast(words, { action: { title: "Undo", run: undo } });
}

/** Shows the current rows; removes the row of `id` if it is not one of them. */
function putRows(id, body) {
  const place = document.querySelector(`#list [data-id="${CSS.escape(id)}"]`);
  const rows = [...body.querySelectorAll("[data-id]")].map((row) => document.adoptNode(row));
  for (const row of rows) {
    document.querySelector(`#list [data-id="${CSS.escape(row.dataset.id)}"]`)?.replaceWith(row);
  }
  if (!rows.some((row) => row.dataset.id === id)) {
    const near = place?.nextElementSibling ?? place?.previousElementSibling;
    place?.remove();
    if (!document.querySelector("#list [data-id]")) location.reload(); // No rows are left: the page says so.
    (near?.querySelector("a[data-dialog]") ?? document.getElementById("list")).focus();
  } else document.querySelector(`#list [data-id="${CSS.escape(id)}"] a[data-dialog]`)?.focus();
  recount(rows);
}

// Suggests tag names while the user types.
dialog.addEventListener("input", async (event) => {
  const input = event.target;
  if (!input.dataset.suggest || !input.value.trim()) return;
  const answer = await fetch(`${input.dataset.suggest}?q=${encodeURIComponent(input.value.trim())}`, {
    headers: { "HX-Request": "true" },
  }).catch(() => null);
  if (!answer?.ok || !input.isConnected) return;
  const names = await answer.json();
  if (!input.list) {
    const list = document.createElement("datalist");
    list.id = `${input.id}-list`;
    input.after(list);
    input.setAttribute("list", list.id);
  }
  input.list.replaceChildren(...names.map((name) => new Option(name)));
});
