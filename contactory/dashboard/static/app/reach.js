// The contact's day: moves the line for now, and asks the server again when the answer changes. Uses the
// server's clock, because the user's clock may be wrong.
import { serverTime, shownBy } from "./clocks.js";

const EVERY = 15_000;
const panel = () => document.getElementById("reach");

function moveLines() {
  const { start, end } = panel().dataset;
  if (!start) return;
  const place = Math.min(Math.max((serverTime(panel()) - start) / (end - start), 0), 1);
  const { time } = shownBy(panel());
  for (const line of panel().querySelectorAll("[data-now]")) {
    for (const name of ["x1", "x2"]) line.setAttribute(name, `${100 * place}%`);
    const band = line.closest("svg");
    band.setAttribute("aria-label", `${band.dataset.hours}. The local time is ${time}.`);
  }
}

function tick() {
  if (!panel() || document.hidden) return;
  moveLines();
  const { from, until } = panel().dataset;
  if (serverTime(panel()) > until) window.htmx.ajax("GET", from, { target: panel(), swap: "outerHTML" });
}

/** Compares the clocks when a panel appears, and not later, when its time has passed. */
function begin() {
  if (panel()) serverTime(panel());
}

begin();
setInterval(tick, EVERY);
document.addEventListener("visibilitychange", tick);
document.addEventListener("htmx:load", begin);
