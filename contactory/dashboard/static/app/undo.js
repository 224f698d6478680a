// Ctrl-Z undoes the last change, and Ctrl-Shift-Z or Ctrl-Y does it again, unless the user is typing text. First
// come the changes that only this page knows, then those of contacts.
import { onKey } from "./keys.js";
import { busy } from "./pieces.js";
import { some, travel } from "./steps.js";
import { toast } from "./toasts.js";

const MOST = 100;
const done = [];
const undone = [];
const pending = new Set();
const TEXTLESS = ["checkbox", "radio", "button", "submit", "reset"];

/** Remembers how to undo a change of this page, and how to do it `again`; returns a function that undoes it once. */
export function remember(takeBack, again) {
  const step = { back: takeBack, forth: again };
  done.push(step);
  undone.length = 0;
  if (done.length > MOST) done.shift();
  return () => go(done, undone, "back", step);
}

async function go(from, to, way, step) {
  const at = from.indexOf(step);
  if (at < 0) return;
  from.splice(at, 1);
  to.push(step);
  await step[way]();
}

/** Makes an undo wait for a change that is being saved. */
export function hold(saving) {
  pending.add(saving);
  saving.finally(() => pending.delete(saving));
  return saving;
}

let queue = Promise.resolve();

async function last(way) {
  await Promise.allSettled([...pending]);
  const [from, to] = way === "back" ? [done, undone] : [undone, done];
  if (from.length) return go(from, to, way, from.at(-1));
  // The hours of a send window are undone until they are saved, and nothing else meanwhile.
  if (document.querySelector("[data-week-form]") || !some(way)) return undefined;
  if (busy()) return void toast("A bulk change is running: wait until it has ended, or stop it.");
  return travel(way);
}

const typing = (target) =>
  target.closest?.("textarea, [contenteditable], .edit") || (target.matches?.("input") && !TEXTLESS.includes(target.type));

function wayOf(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
  const key = event.key.toLowerCase();
  if (key === "z") return event.shiftKey ? "forth" : "back";
  return key === "y" && event.ctrlKey && !event.shiftKey ? "forth" : null;
}

onKey(document, (event) => {
  const way = wayOf(event);
  if (!way || typing(event.target) || document.querySelector("dialog:modal")) return;
  event.preventDefault();
  queue = queue.then(() => last(way));
});
