// Ctrl-Z undoes the last change, unless the user is typing text.
import { onKey } from "./keys.js";

const done = [];
const MOST = 100;

/** Remembers how to undo a change; returns a function that does so once. */
export function remember(takeBack) {
  let used = false;
  const undo = async () => {
    if (used) return;
    used = true;
    done.splice(done.indexOf(undo), 1);
    await takeBack();
  };
  done.push(undo);
  if (done.length > MOST) done.shift();
  return undo;
}

onKey(document, (event) => {
  if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]") || !done.length) return;
  event.preventDefault();
  done.at(-1)();
});
