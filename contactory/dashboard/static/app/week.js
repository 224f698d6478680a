// The week of a send window, edited by pointer or by keyboard. The inputs for times have the data and are sent:
// drawing writes into them, and typing into them draws.
import { onKey } from "./keys.js";
import { guard } from "./leaving.js";
import { DAY, DAYS, between, clock, endingAt, moved, rangeOf, settled, startingAt } from "./ranges.js";
import "./dates.js";
import { remember } from "./undo.js";

const SVG = "http://www.w3.org/2000/svg";
const EDGE = 12;
const form = document.querySelector("[data-week-form]");
const week = form.querySelector(".week");
const bars = DAYS.map((day) => week.querySelector(`[data-bar="${day}"]`));
const fieldsets = DAYS.map((day) => form.querySelector(`[data-day="${day}"]`));
const titles = fieldsets.map((fieldset) => fieldset.dataset.title);
const status = form.querySelector("[data-spoken]");
const steps = form.querySelector("[data-step]");
const blank = fieldsets.map((fieldset) => [...fieldset.querySelectorAll("[data-times]")].at(-1).cloneNode(true));
const step = () => Number(steps.value);
let ranges = [];
let drag = null;
let held = null;
let edited = false;

// The inputs

function read() {
  ranges = fieldsets.flatMap((fieldset, day) =>
    [...fieldset.querySelectorAll("[data-times]")].map((times) => {
      const [from, to] = times.querySelectorAll("input");
      return rangeOf(day, from.value, to.value);
    }),
  ).filter(Boolean);
}

function timesOf(day, from = "", to = "") {
  const made = blank[day].cloneNode(true);
  const inputs = made.querySelectorAll("input");
  inputs[0].value = from;
  inputs[1].value = to;
  fieldsets[day].querySelector(".day-tools").before(made);
  return made;
}

function write() {
  for (const times of form.querySelectorAll("[data-times]")) times.remove();
  for (const range of ranges) timesOf(range.day, clock(range.start), clock(range.end));
}

// The drawing

function part(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const percent = (minutes) => `${(100 * minutes) / DAY}%`;
const hours = (range) => `${clock(range.start)}–${range.end === DAY ? "24:00" : clock(range.end)}`;
const words = (range) => `${titles[range.day]} ${hours(range)}`;

function band(range, day, start, end) {
  const late = day !== range.day;
  const group = part("g", { class: late ? "range range-late" : "range" });
  group.range = range;
  group.append(part("rect", { class: "body", x: percent(start), width: percent(end - start), height: "100%", rx: 3 }));
  if (!late && ((end - start) / DAY) * bars[day].clientWidth > 96) {
    const text = part("text", { x: percent(start), dx: 8, y: "50%", "dominant-baseline": "central" });
    text.textContent = hours(range);
    group.append(text);
  }
  if (!late) group.append(edge("start", start));
  if (range.end <= DAY || late) group.append(edge("end", end));
  if (!late) {
    const keys = "ArrowLeft ArrowRight ArrowUp ArrowDown Delete Enter";
    const named = { tabindex: 0, role: "button", "aria-label": words(range), "aria-keyshortcuts": keys };
    for (const [key, value] of Object.entries(named)) group.setAttribute(key, value);
  }
  return group;
}

function edge(side, at) {
  const made = part("rect", { class: "edge", x: percent(at), width: EDGE, height: "100%", "data-edge": side });
  made.style.setProperty("transform", `translateX(${side === "start" ? -2 : 2 - EDGE}px)`);
  return made;
}

function draw(focused) {
  for (const bar of bars) bar.replaceChildren();
  for (const range of ranges) {
    bars[range.day].append(band(range, range.day, range.start, Math.min(range.end, DAY)));
    if (range.end > DAY) {
      const next = (range.day + 1) % 7;
      bars[next].append(band(range, next, 0, range.end - DAY));
    }
  }
  const found = focused && ranges.find((range) => same(range, focused));
  if (found) [...bars[found.day].querySelectorAll("[tabindex]")].find((group) => group.range === found)?.focus();
}

// After ranges are joined, a range is the one that contains its start.
const same = (range, other) => range.day === other.day && range.start <= other.start && range.end >= other.end;

// Changes

function take(changed, focused) {
  const before = ranges;
  ranges = changed;
  held = null;
  write();
  draw(focused);
  edited = true;
  const turn = (list, words) => {
    ranges = list;
    held = null;
    write();
    draw();
    status.textContent = words;
  };
  remember(() => turn(before, "Undone."), () => turn(changed, "Redone."));
}

/** Changes a range by keyboard. It may pass over other ranges, which are restored once it has passed. */
function put(change, shown) {
  const { range, others } = held?.shown === shown ? held : { range: shown, others: ranges.filter((other) => other !== shown) };
  const wanted = change(range);
  take(settled(others, wanted), wanted);
  held = { range: wanted, others, shown: ranges.find((other) => same(other, wanted)) };
  status.textContent = words(wanted);
}

// By pointer

function place(event) {
  const box = bars[0].getBoundingClientRect();
  const day = bars.findLastIndex((bar) => event.clientY >= bar.getBoundingClientRect().top);
  return { day: Math.max(day, 0), minute: ((event.clientX - box.left) / box.width) * DAY };
}

function wanted(to) {
  const { kind, range, from } = drag;
  if (kind === "move") return [moved(range, to.day - from.day, to.minute - from.minute, step())];
  if (kind === "start") return [startingAt(range, to.minute, step())];
  if (kind === "end") {
    const next = to.day === (range.day + 1) % 7;
    return [endingAt(range, next ? DAY + Math.max(to.minute, 0) : Math.min(to.minute, DAY), step())];
  }
  return between(from, to, step());
}

week.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !event.target.closest(".week-bar")) return;
  const range = event.target.closest(".range")?.range;
  const kind = event.target.dataset.edge ?? (range ? "move" : "make");
  drag = { kind, range, from: place(event), before: ranges, result: null, x: event.clientX, y: event.clientY };
  week.setPointerCapture(event.pointerId);
});

week.addEventListener("pointermove", (event) => {
  if (!drag) return;
  // A press with a small movement is not a drag.
  if (!drag.result && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 4) return;
  week.classList.add("drawing");
  drag.result = wanted(place(event));
  const others = drag.before.filter((range) => range !== drag.range);
  ranges = drag.result.reduce(settled, others);
  draw();
  const [first, last] = [drag.result[0], drag.result.at(-1)];
  status.textContent = first === last ? words(first) : `${titles[first.day]} to ${titles[last.day]} ${hours(first)}`;
});

function stop(keep) {
  if (!drag) return;
  const { before, result, range } = drag;
  const changed = ranges;
  drag = null;
  week.classList.remove("drawing");
  ranges = before;
  if (keep && result) take(changed, result[0]);
  else draw(range);
}

week.addEventListener("pointerup", () => stop(true));
week.addEventListener("pointercancel", () => stop(false));
onKey(document, (event) => {
  if (event.key === "Escape") stop(false);
});

// By keyboard

const sideways = { ArrowLeft: -1, ArrowRight: 1 };
const updown = { ArrowUp: -1, ArrowDown: 1 };

function changeBy(event) {
  const by = (sideways[event.key] ?? 0) * step();
  if (by && event.shiftKey) return (range) => endingAt(range, range.end + by, step());
  if (by && event.ctrlKey) return (range) => startingAt(range, range.start + by, step());
  return (range) => moved(range, updown[event.key] ?? 0, by, step());
}

onKey(week, (event) => {
  const range = event.target.range;
  if (!range || event.altKey || event.metaKey) return;
  if (event.key in sideways || event.key in updown) put(changeBy(event), range);
  else if (event.key === "Delete" || event.key === "Backspace") drop(range);
  else if (event.key === "Enter" || event.key === " ") type(range);
  else return;
  event.preventDefault();
});

function drop(range) {
  const at = ranges.indexOf(range);
  const others = ranges.filter((other) => other !== range);
  take(others, others[Math.min(at, others.length - 1)]);
  if (!others.length) fieldsets[range.day].querySelector("[data-add]").focus();
  status.textContent = `${words(range)} removed.`;
}

function type(range) {
  const index = ranges.filter((other) => other.day === range.day).indexOf(range);
  fieldsets[range.day].querySelectorAll("[data-times]")[index]?.querySelector("input").focus();
}

// By the inputs and the buttons beside them

form.addEventListener("input", (event) => {
  edited = true;
  if (!event.target.closest("[data-times]")) return;
  read();
  draw();
});

form.addEventListener("click", (event) => {
  const day = fieldsets.indexOf(event.target.closest("[data-day]"));
  if (day < 0) return;
  if (event.target.closest("[data-remove]")) {
    event.target.closest("[data-times]").remove();
    fieldsets[day].querySelector("[data-add]").focus();
  } else if (event.target.closest("[data-add]")) {
    timesOf(day).querySelector("input").focus();
    return;
  } else if (event.target.closest("[data-down]")) {
    const copied = ranges.filter((range) => range.day === day).map((range) => ({ ...range, day: day + 1 }));
    take(copied.reduce(settled, ranges.filter((range) => range.day !== day + 1)));
    status.textContent = `${titles[day + 1]} now has the hours of ${titles[day]}.`;
    return;
  } else return;
  edited = true;
  read();
  draw();
});

form.addEventListener("submit", () => {
  edited = false;
});
guard(() => edited && !form.hasAttribute("data-passing"));

for (const [day, bar] of bars.entries()) {
  bar.removeAttribute("aria-hidden");
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", titles[day]);
}
// The empty times are for browsers without scripts.
for (const times of form.querySelectorAll("[data-times]")) {
  if ([...times.querySelectorAll("input")].every((input) => !input.value)) times.remove();
}
week.classList.add("drawable");
read();
if (ranges.some((range) => range.start % 30 || range.end % 30)) steps.value = "15";
draw();
new ResizeObserver(() => drag ?? draw(document.activeElement?.range)).observe(week);
