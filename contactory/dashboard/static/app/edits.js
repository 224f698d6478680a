// Changes of cells that could not be saved, for example without a connection. Each keeps what was typed, in a
// message that stays until it is saved or dismissed, and the page asks before it is left. When the connection is
// back, they are sent again.
import { guard } from "./leaving.js";
import { toast } from "./toasts.js";

const edits = new Map(); // By contact and column: {edit, run, message}.
const keyOf = ({ id, key }) => `${id} ${key}`;
/** A value, in words. */
export const text = (value) => (Array.isArray(value) ? value.join(", ") : value) || "nothing";

guard(() => edits.size > 0);

const announce = () => document.dispatchEvent(new Event("edits:changed"));

/** Keeps an edit {id, key, title, value, words, again}; `run` sends it again, or shows it. */
export function keep(edit, run, title = edit.again ? "Try again" : "Change it") {
  drop(edit);
  const act = () => {
    drop(edit);
    run();
  };
  const words = `“${text(edit.value)}” in ${edit.title} is not saved. ${edit.words}`;
  const message = toast(words, { bad: true, lasting: true, action: { title, run: act }, dismissed: () => drop(edit) });
  edits.set(keyOf(edit), { edit, act, message });
  announce();
}

/** Keeps an edit no longer. */
export function drop(edit) {
  edits.get(keyOf(edit))?.message.remove();
  if (edits.delete(keyOf(edit))) announce();
}

/** The kept edit of a cell, if there is one. */
export const keptAt = (id, key) => edits.get(keyOf({ id, key }))?.edit;

/** All kept edits. */
export const keptEdits = () => [...edits.values()].map(({ edit }) => edit);

window.addEventListener("online", () => {
  for (const { edit, act } of [...edits.values()]) if (edit.again) act();
});
