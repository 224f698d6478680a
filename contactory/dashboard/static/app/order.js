// A list that users can order: by dragging its handles, by the arrow keys on them, or by the buttons. Each move
// is saved at once. In the document, the neighbours change their place, so that the moved row keeps the focus and
// the pointer.
import { onKey } from "./keys.js";
import { reason, send } from "./requests.js";
import { toast } from "./toasts.js";
import { remember } from "./undo.js";

const list = document.querySelector("[data-order]");
const EDGE = 48; // Within this many pixels of the window's edge, dragging scrolls.

const placeOf = (item) => [...list.children].indexOf(item);
const nameOf = (item) => item.querySelector(".item-name").textContent;

function place(item, to) {
  for (let at = placeOf(item); at < to && item.nextElementSibling; at += 1) item.before(item.nextElementSibling);
  for (let at = placeOf(item); at > to && item.previousElementSibling; at -= 1) item.after(item.previousElementSibling);
}

function say(item) {
  const status = document.getElementById("order-status");
  status.textContent = `${nameOf(item)}: place ${placeOf(item) + 1} of ${list.children.length}`;
}

let queue = Promise.resolve(); // Moves are sent one after the other.

function keep(item, from) {
  const to = placeOf(item);
  queue = queue.then(async () => {
    const answer = await send(`${list.dataset.here}/${item.dataset.id}/position`, [["to", to]]).catch(() => null);
    if (answer?.ok) return;
    place(item, from);
    toast(`The order could not be saved. ${reason(answer)}`, { bad: true });
  });
}

let last = null; // The move that can be undone: {item, message}; further key presses add to it.

function moved(item, from) {
  if (placeOf(item) === from) return;
  say(item);
  keep(item, from);
  if (last?.item === item && last.message.isConnected) return;
  let other = from;
  const exchange = async () => {
    mine.message.remove();
    const now = placeOf(item);
    place(item, other);
    other = now;
    say(item);
    keep(item, now);
  };
  const undo = remember(exchange, exchange);
  const mine = { item, message: toast(`${nameOf(item)} was moved.`, { action: { title: "Undo", run: undo } }) };
  last = mine;
}

function step(item, by) {
  const from = placeOf(item);
  place(item, Math.min(Math.max(from + by, 0), list.children.length - 1));
  moved(item, from);
  if (placeOf(item) === from) say(item);
  item.scrollIntoView({ block: "nearest" });
}

onKey(list, (event) => {
  const grab = event.target.closest("[data-grab]");
  const by = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity }[event.key];
  if (!grab || !by) return;
  event.preventDefault();
  step(grab.closest("li"), by);
});

list?.addEventListener("focusout", (event) => {
  if (event.target.closest("[data-grab]")) last = null;
});

list?.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-move]")) return;
  event.preventDefault();
  step(event.target.closest("li"), Number(event.submitter.dataset.step));
});

const middle = (item) => {
  const box = item.getBoundingClientRect();
  return box.top + box.height / 2;
};

list?.addEventListener("pointerdown", (event) => {
  const grab = event.target.closest("[data-grab]");
  if (!grab || event.button !== 0) return;
  event.preventDefault();
  grab.focus({ preventScroll: true });
  drag(grab.closest("li"));
});

function drag(item) {
  const from = placeOf(item);
  const listening = new AbortController();
  const on = (name, run) => document.addEventListener(name, run, { signal: listening.signal });
  const end = () => {
    listening.abort();
    item.classList.remove("dragged");
    document.documentElement.classList.remove("sorting");
  };
  item.classList.add("dragged");
  document.documentElement.classList.add("sorting");
  on("pointermove", (event) => {
    while (item.nextElementSibling && event.clientY > middle(item.nextElementSibling)) place(item, placeOf(item) + 1);
    while (item.previousElementSibling && event.clientY < middle(item.previousElementSibling)) place(item, placeOf(item) - 1);
    if (event.clientY < EDGE) scrollBy(0, -EDGE / 4);
    if (event.clientY > innerHeight - EDGE) scrollBy(0, EDGE / 4);
  });
  on("pointerup", () => {
    end();
    moved(item, from);
  });
  const cancel = () => {
    end();
    place(item, from);
  };
  on("pointercancel", cancel);
  onKey(document, (event) => event.key === "Escape" && cancel(), { signal: listening.signal });
}
