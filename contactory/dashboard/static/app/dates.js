// Dates in a text area, one per line: shown as chips, with a calendar to add one. The text is sent.
import { onKey } from "./keys.js";

const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeZone: "UTC" });

for (const field of document.querySelectorAll("[data-dates]")) {
  const area = field.querySelector("textarea");
  if (area.hasAttribute("aria-invalid")) continue; // Errors are corrected in the text.
  const label = field.querySelector("label");
  const note = field.querySelector(".note");
  const list = document.createElement("ul");
  list.className = "dates";
  const line = document.createElement("span");
  line.className = "dates-add";
  const input = Object.assign(document.createElement("input"), { type: "date", id: `${area.id}-new` });
  const add = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Add" });
  add.setAttribute("aria-label", "Add this date");
  line.append(input, add);
  label.htmlFor = input.id;
  note.hidden = true;
  area.hidden = true;
  area.after(line);
  field.after(list);

  const dates = () => [...new Set(area.value.split(/[\s,]+/).filter(Boolean))].sort();
  const show = () => list.replaceChildren(...dates().map(chip));

  function chip(date) {
    const made = document.createElement("li");
    const moment = new Date(`${date}T00:00:00Z`);
    const text = Number.isNaN(moment.getTime()) ? date : shown.format(moment);
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: "×" });
    remove.setAttribute("aria-label", `Remove ${text}`);
    remove.addEventListener("click", () => {
      set(dates().filter((other) => other !== date));
      input.focus();
    });
    made.append(text, remove);
    return made;
  }

  function set(found) {
    area.value = found.join("\n");
    area.dispatchEvent(new Event("input", { bubbles: true }));
    show();
  }

  function addOne() {
    if (!input.value) return input.focus();
    set([...new Set([...dates(), input.value])].sort());
    input.value = "";
    input.focus();
  }

  add.addEventListener("click", addOne);
  onKey(input, (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    addOne();
  });
  show();
}
