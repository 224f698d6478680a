// The changes of contacts that this tab can undo and redo, by id and version: the server undoes them, whether the
// contacts are in sight or not. They survive a reload and lead through all pages of the workspace.
import { workspace, kept } from "./kept.js";
import { inPieces, summary } from "./pieces.js";
import { reason } from "./requests.js";
import { toast } from "./toasts.js";

const MOST = 100;
const MOST_TARGETS = 20_000;
const store = kept("steps");
const stacks = () => store.get() ?? { back: [], forth: [] };
const WORDS = { back: ["Undo", "Undone"], forth: ["Redo", "Redone"] };
const messages = new Map(); // By step: the message that offers to undo it.

function put(held) {
  held.back.splice(0, held.back.length - MOST);
  while (!store.put(held) && held.back.length) held.back.shift();
}

/**
 * Remembers a change: a `title` such as "First name changed", and its `targets` ("id:version"). `key` names the
 * column, and `whole` says that contacts were created, deleted or restored. Returns the step.
 */
export function did(change) {
  const step = { ...change, id: `${Date.now()}-${Math.random()}` };
  const { back } = stacks();
  put({ back: [...back, step], forth: [] });
  return step;
}

/** Changes the targets of a step, for a change that is still running; too many are not kept. */
export function grew(step, targets) {
  const held = stacks();
  const mine = held.back.find((each) => each.id === step.id);
  if (!mine) return;
  mine.targets = targets.length > MOST_TARGETS ? [] : targets;
  put(held);
}

/** Whether a step can be undone, or with "forth" be redone. */
export const some = (way = "back") => workspace() !== "" && stacks()[way].length > 0;

/** Shows `words` with a button that undoes the step. */
export function offer(step, words, { bad = false } = {}) {
  messages.set(step.id, toast(words, { bad, action: { title: "Undo", run: () => travel("back", step.id) } }));
}

let queue = Promise.resolve();

/** Undoes, or with "forth" redoes, the last step, or the one with this id; one after the other. */
export function travel(way, id) {
  queue = queue.then(() => go(way, id));
  return queue;
}

async function go(way, id) {
  const held = stacks();
  const at = id ? held[way].findIndex((each) => each.id === id) : held[way].length - 1;
  if (at < 0) return;
  const [step] = held[way].splice(at, 1);
  put(held);
  messages.get(step.id)?.remove();
  const [how, done] = WORDS[way];
  if (!step.targets.length) {
    toast(`${step.title}: these are too many contacts to undo.`, { bad: true });
    return;
  }
  const total = await inPieces({ action: "undo", targets: step.targets, how, after: (each) => moved(way, step, each) });
  if (total.stopped || total.failure) moved(way, step, total);
  document.dispatchEvent(new CustomEvent("contacts:changed", { detail: { ...step, way } }));
  report(step, total, how, done);
}

/** Puts what was not sent back where it was, and what was changed on the other side. */
function moved(way, step, total) {
  const held = stacks();
  const other = way === "back" ? "forth" : "back";
  const left = step.targets.slice(total.sent);
  for (const side of [way, other]) held[side] = held[side].filter((each) => each.id !== step.id);
  if (left.length) held[way].push({ ...step, targets: left });
  if (total.changed.length) held[other].push({ ...step, targets: [...total.changed] });
  put(held);
}

function report(step, total, how, done) {
  const [refused] = Object.keys(total.refused);
  if (total.failure) toast(reason(total.failure), { bad: true });
  else if (step.targets.length > 1) toast(summary(how, total), { bad: Boolean(refused) });
  else if (refused) toast(refused, { bad: true });
  else if (!total.stopped) toast(`${done}: ${step.title}.`, { action: sight(step) });
}

/** A link to the contact of a step, if the page does not show it. */
function sight(step) {
  const [contact] = step.targets[0].split(":");
  const path = `${workspace()}/contacts/${contact}`;
  if (location.pathname === path || document.querySelector(`tr[data-id="${contact}"]`)) return undefined;
  return { title: "Show contact", run: () => location.assign(path) };
}

// A form of the page before this one has changed a contact: the server left its step in a cookie.
const TITLES = {
  changed: "Contact changed",
  created: "Contact created",
  deleted: "Contact deleted",
  restored: "Contact restored",
  undone: "Change undone",
};

function arrived() {
  const found = /(?:^|; )contactory-step=(\w+)\.([\w-]+)\.(\d+)\.(\d+)/.exec(document.cookie);
  if (!found) return;
  document.cookie = "contactory-step=; Path=/; Max-Age=0; SameSite=Lax";
  const [, kind, id, version, undone] = found;
  const targets = [`${id}:${version}`];
  const held = stacks();
  const last = held.back.at(-1);
  // A button of the page has undone a step: the step goes where an undo would have put it.
  const restored = kind === "restored" && last?.title === TITLES.deleted && last.targets[0]?.startsWith(`${id}:`);
  const mine = restored ? last : held.back.find((each) => each.targets.length === 1 && each.targets[0] === `${id}:${undone}`);
  if (!mine) did({ title: TITLES[kind], targets, whole: !["changed", "undone"].includes(kind) });
  else put({ back: held.back.filter((each) => each !== mine), forth: [...held.forth, { ...mine, targets }] });
}

arrived();
