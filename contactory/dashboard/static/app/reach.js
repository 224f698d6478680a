// The contact's day: moves the line for now, and asks the server again when the answer changes. Uses the
// server's clock, because the user's clock may be wrong.
const EVERY = 15_000;
const panel = () => document.getElementById("reach");
let ahead = 0; // How many milliseconds the server's clock is ahead of the browser's.

function moveLines() {
  const { start, end } = panel().dataset;
  if (!start) return;
  const place = Math.min(Math.max(((Date.now() + ahead) / 1000 - start) / (end - start), 0), 1);
  for (const line of panel().querySelectorAll("[data-now]")) {
    for (const name of ["x1", "x2"]) line.setAttribute(name, `${100 * place}%`);
  }
}

function tick() {
  if (!panel() || document.hidden) return;
  moveLines();
  const { from, until } = panel().dataset;
  if (Date.now() + ahead > 1000 * until) window.htmx.ajax("GET", from, { target: panel(), swap: "outerHTML" });
}

function begin() {
  if (panel()) ahead = 1000 * panel().dataset.at - Date.now();
}

begin();
setInterval(tick, EVERY);
document.addEventListener("visibilitychange", tick);
document.addEventListener("htmx:load", begin);
