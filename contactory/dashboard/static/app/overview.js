// The overview: the chart of new contacts, hours in the user's time zone, failed blocks, and the command to copy.
import "./copy.js";

const CHART_HEIGHT = 208;
let drawn = null;

/** The days of the table, in order: the chart reads its numbers from there. */
function days() {
  return [...document.querySelectorAll("[data-days] tr[data-day]")].reverse().map((row) => ({
    day: row.dataset.day,
    count: Number(row.dataset.count),
    link: row.querySelector("a")?.href,
  }));
}

/** A colour of the current theme; the canvas does not support CSS variables. */
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  probe.style.forcedColorAdjust = "none";
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const long = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeZone: "UTC" });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const midnight = (day) => Date.parse(`${day}T00:00Z`) / 1000;

function say(box, shown, index) {
  const status = box.parentNode.querySelector(".chart-status");
  if (index == null || !shown[index]) return;
  const { day, count } = shown[index];
  status.textContent = `${long.format(midnight(day) * 1000)}: ${whole.format(count)} new`;
}

function options(box, shown) {
  const [ink, quiet, line] = [colour("--accent"), colour("--quiet"), colour("--line")];
  const axis = { stroke: quiet, font: `12px ${getComputedStyle(document.body).fontFamily}`, ticks: { show: false } };
  return {
    width: box.clientWidth,
    height: CHART_HEIGHT,
    tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { range: (_, least, most) => [least - 43200, most + 43200] }, y: { range: (_, __, most) => [0, Math.max(most, 4) * 1.05] } },
    axes: [
      { ...axis, grid: { show: false }, values: (_, all) => all.map((each) => short.format(each * 1000)), space: 70, size: 28 },
      { ...axis, grid: { stroke: line, width: 1 }, values: (_, all) => all.map((each) => (Number.isInteger(each) ? whole.format(each) : "")), size: 52 },
    ],
    series: [{}, { fill: ink, stroke: ink, width: 0, paths: window.uPlot.paths.bars({ size: [0.72, 28], radius: 0.2 }), points: { show: false } }],
    hooks: { setCursor: [(plot) => say(box, shown, plot.cursor.idx)] },
  };
}

function draw() {
  drawn?.destroy();
  drawn = null;
  const box = document.querySelector(".chart");
  const shown = box ? days() : [];
  if (!shown.length || !window.uPlot) return;
  box.replaceChildren();
  drawn = new window.uPlot(options(box, shown), [shown.map(({ day }) => midnight(day)), shown.map(({ count }) => count)], box);
  drawn.over.addEventListener("click", () => {
    const link = shown[drawn.cursor.idx]?.link;
    if (link) location.assign(link);
  });
  sizes.disconnect();
  sizes.observe(box);
}

const sizes = new ResizeObserver(([entry]) => {
  const width = Math.floor(entry.contentRect.width);
  if (drawn && width && width !== drawn.width) drawn.setSize({ width, height: CHART_HEIGHT });
});
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).addEventListener("change", draw);

// Hours in the user's time zone.
const clocks = {
  short: new Intl.DateTimeFormat(undefined, { hour: "numeric", hourCycle: "h23" }),
  long: new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "numeric", minute: "2-digit" }),
};

function showHours() {
  for (const element of document.querySelectorAll("time[data-hour]")) {
    const moment = new Date(element.dateTime);
    const clock = element.dataset.hour === "short" ? clocks.short : clocks.long;
    const hour = clock.formatToParts(moment).find((part) => part.type === "hour");
    element.textContent = element.dataset.hour === "short" ? hour.value : clock.format(moment);
    element.title = clocks.long.format(moment);
  }
}

document.addEventListener("htmx:afterSwap", (event) => {
  const block = event.detail.target;
  block.removeAttribute("aria-busy");
  if (block.id === "growth") draw();
  if (block.id === "reach") showHours();
});

// A block that could not be loaded says so and offers another try.
function failed(event) {
  const block = event.detail.target;
  if (!block?.matches?.("[data-block]")) return;
  const words = Object.assign(document.createElement("p"), { textContent: "This could not be loaded." });
  const again = Object.assign(document.createElement("button"), { className: "button", type: "button", textContent: "Try again" });
  again.addEventListener("click", () => {
    block.setAttribute("aria-busy", "true");
    window.htmx.trigger(block, "again");
  });
  const box = Object.assign(document.createElement("div"), { className: "failed" });
  box.append(words, again);
  block.replaceChildren(box);
  block.removeAttribute("aria-busy");
}
document.addEventListener("htmx:responseError", failed);
document.addEventListener("htmx:sendError", failed);

// The command to copy, with the address of this page.
for (const element of document.querySelectorAll("[data-origin]")) element.textContent = location.origin;

draw();
showHours();
