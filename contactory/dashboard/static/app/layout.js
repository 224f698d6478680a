// Columns: chosen, ordered and pinned in their menu, and resized at their heads. Saved at once.
import { onArrival } from "./arrivals.js";
import { onKey } from "./keys.js";
import { send } from "./requests.js";
import { toast } from "./toasts.js";

const form = document.querySelector("[data-layout]");
const box = document.getElementById("grid");
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
const STEP = 16;
const NARROWEST = 64;
const WIDEST = 800;

async function keep({ redraw = true } = {}) {
  const answer = await send(form.getAttribute("action"), new FormData(form)).catch(() => null);
  if (!answer?.ok) toast("The columns could not be saved. Try again in a moment.", { bad: true });
  else if (redraw) window.htmx.ajax("GET", location.pathname + location.search, { target: "#grid", swap: "innerHTML" });
}

form?.addEventListener("change", () => keep());

form?.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || !["up", "down"].includes(button.name)) return; // The server handles the other buttons.
  event.preventDefault();
  const item = button.closest("li");
  if (button.name === "up") item.previousElementSibling?.before(item);
  else item.nextElementSibling?.after(item);
  button.focus();
  keep();
});

const colOf = (key) => box.querySelector(`col[data-key="${CSS.escape(key)}"]`);

function setWidth(key, width) {
  const rounded = Math.round(Math.min(Math.max(width, NARROWEST), WIDEST));
  colOf(key).width = rounded;
  for (const input of form.querySelectorAll('[name="width"]')) {
    if (input.value.slice(0, input.value.lastIndexOf(":")) === key) input.value = `${key}:${rounded}`;
  }
  place();
  return rounded;
}

/**
 * Keeps pinned columns beside each other, within half of the frame: on a phone, a column becomes narrower to fit in,
 * and the next ones are not pinned.
 */
function place() {
  const frame = box.querySelector(".grid-frame");
  if (!frame) return;
  const room = frame.clientWidth / 2;
  let left = 0;
  const rules = [];
  for (const head of box.querySelectorAll("thead .pinned")) {
    const { key } = head.dataset;
    const wanted = key ? Number(colOf(key).width) : head.offsetWidth;
    const width = Math.min(wanted, Math.max(room - left, 0));
    const fits = !key || width === wanted || width >= NARROWEST;
    head.classList.toggle("stuck", fits);
    if (fits && width < wanted) rules.push(`.grid col[data-key="${CSS.escape(key)}"] { width: ${width}px; }`);
    const rule = fits ? `inset-inline-start: ${left}px` : "inset-inline-start: auto; scroll-margin-inline: var(--pinned) 1rem";
    rules.push(`.grid :is(th, td):nth-child(${head.cellIndex + 1}).pinned { ${rule}; }`);
    left += fits ? width : 0;
  }
  rules.push(`.grid-frame { --pinned: ${left}px; }`);
  sheet.replaceSync(rules.join("\n"));
}

function handle(head) {
  const { key } = head.dataset;
  const grip = document.createElement("span");
  grip.className = "grip";
  grip.tabIndex = (head.querySelector("a") ?? head).tabIndex; // In the Tab order together with its head.
  const say = (width) => {
    const values = { role: "separator", "aria-orientation": "vertical", "aria-valuenow": width, "aria-valuemin": NARROWEST, "aria-valuemax": WIDEST };
    for (const [name, value] of Object.entries({ ...values, "aria-label": `Width of ${head.textContent.trim()}` })) grip.setAttribute(name, value);
  };
  say(Number(colOf(key).width));
  onKey(grip, (event) => {
    const step = { ArrowRight: STEP, ArrowLeft: -STEP }[event.key];
    if (!step) return;
    event.preventDefault();
    say(setWidth(key, Number(colOf(key).width) + step));
    keep({ redraw: false });
  });
  grip.addEventListener("pointerdown", (event) => drag(event, head, say));
  head.append(grip);
}

function drag(event, head, say) {
  event.preventDefault();
  const grip = event.currentTarget;
  const start = event.clientX;
  const width = head.getBoundingClientRect().width;
  const way = getComputedStyle(head).direction === "rtl" ? -1 : 1;
  const move = (moved) => say(setWidth(head.dataset.key, width + way * (moved.clientX - start)));
  grip.setPointerCapture(event.pointerId);
  grip.addEventListener("pointermove", move);
  grip.addEventListener("pointerup", () => {
    grip.removeEventListener("pointermove", move);
    keep({ redraw: false });
  }, { once: true });
}

onArrival((_, anew) => {
  if (!anew) return;
  for (const head of box.querySelectorAll("thead th[data-key]")) handle(head);
  place();
});
if (box) new ResizeObserver(place).observe(box);
