// The input of a time zone, wherever it is: while the user types, it suggests places from the server's list, by
// city, country, other name or offset. The name of the chosen zone is sent.
import { onKey } from "./keys.js";

const MARKED = '[aria-selected="true"]';
let number = 0;

const placesAt = () => `${location.pathname.split("/").slice(0, 3).join("/")}/time-zones`;

async function placesOf(typed) {
  const answer = await fetch(`${placesAt()}?q=${encodeURIComponent(typed)}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  return answer?.ok ? answer.json() : [];
}

/** Adds suggestions to an input, for as long as it has data-zone. */
export function offerZones(input) {
  const list = document.createElement("ul");
  list.className = "suggestions zones";
  list.id = `zones-${(number += 1)}`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  input.after(list);

  const mark = (item) => {
    list.querySelector(MARKED)?.removeAttribute("aria-selected");
    item?.setAttribute("aria-selected", "true");
    if (item) input.setAttribute("aria-activedescendant", item.id);
    else input.removeAttribute("aria-activedescendant");
    item?.scrollIntoView({ block: "nearest" });
  };
  const describe = () => {
    if (!("zone" in input.dataset)) return;
    const attributes = { role: "combobox", "aria-controls": list.id, "aria-autocomplete": "list", "aria-expanded": !list.hidden };
    for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
  };
  const show = (items) => {
    list.replaceChildren(...items);
    list.hidden = !items.length;
    place(list, input);
    describe();
    mark(null);
  };
  const choose = (item) => {
    input.value = item.dataset.name;
    show([]);
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const step = (by) => {
    const items = [...list.children];
    const at = items.indexOf(list.querySelector(MARKED));
    mark(items[(Math.max(at, by < 0 ? 0 : -1) + by + items.length) % items.length]);
  };

  describe();
  let asked = 0;
  const close = () => {
    asked += 1;
    if (!list.hidden) show([]);
  };
  input.addEventListener("input", async () => {
    const mine = (asked += 1);
    if (!("zone" in input.dataset)) return;
    mark(null); // The places are those of an earlier text.
    const typed = input.value.trim();
    const places = typed ? await placesOf(typed) : [];
    if (mine !== asked || !input.isConnected || document.activeElement !== input) return;
    show(places.map((each, index) => suggestion(each, `${list.id}-${index}`, choose)));
    // A whole name is meant as it is; a part of one means the first place.
    if (!places.some(({ names }) => names.includes(typed))) mark(list.firstElementChild);
  });
  input.addEventListener("focus", describe);
  input.addEventListener("blur", close);
  onKey(input, (event) => {
    if (list.hidden) return;
    const marked = list.querySelector(MARKED);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" && marked) choose(marked);
    else if (event.key === "Escape") close();
    else {
      // Tab takes the marked place and goes on.
      if (event.key === "Tab" && marked) choose(marked);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Puts the list below its input. */
function place(list, input) {
  list.style.insetBlockStart = `${input.offsetTop + input.offsetHeight + 2}px`;
  list.style.left = `${input.offsetLeft}px`;
  list.style.minWidth = `${input.offsetWidth}px`;
}

function suggestion({ names, title }, id, choose) {
  const item = document.createElement("li");
  item.className = "suggestion";
  item.id = id;
  item.dataset.name = names[0];
  item.setAttribute("role", "option");
  item.textContent = title;
  // Before the input loses the focus.
  item.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    choose(item);
  });
  return item;
}
