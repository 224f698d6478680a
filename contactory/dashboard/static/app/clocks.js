// The clocks of contacts. The offset from UTC and its next change come from the server with the page: the
// browser's own data about time zones may be older, and its clock may be wrong.
const MINUTE = 60;
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const aheads = new WeakMap(); // How many seconds the server's clock is ahead, by the element that says so.

/** The time of the server in seconds since 1970; `element` has its time (data-at) when the page was made. */
export function serverTime(element) {
  const here = Date.now() / 1000;
  if (!aheads.has(element)) aheads.set(element, Number(element.dataset.at) - here);
  return here + aheads.get(element);
}

/** What a clock shows now: the time as "09:30", and the day of the week. */
export function shownBy(element) {
  const { offset, change, then } = element.dataset;
  const now = serverTime(element);
  const there = new Date(1000 * (now + Number(change && now >= Number(change) ? then : offset)));
  return { time: there.toISOString().slice(11, 16), day: DAYS[there.getUTCDay()] };
}

const clocks = [...document.querySelectorAll("[data-clock]")];

function show() {
  for (const clock of clocks) {
    const { time, day } = shownBy(clock);
    clock.querySelector("time").textContent = time;
    clock.querySelector("[data-weekday]").textContent = day;
  }
}

/** Shows the time, and again when the next minute begins. */
function run() {
  show();
  setTimeout(run, 1000 * (MINUTE - (serverTime(clocks[0]) % MINUTE)));
}

if (clocks.length) {
  run();
  document.addEventListener("visibilitychange", show);
}
