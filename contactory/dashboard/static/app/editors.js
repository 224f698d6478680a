// The right input for each kind of value. An editor is {element, value(), focus(), complain(text)}.
import { tagEditor } from "./tags.js";
import { offerZones } from "./zones.js";

/** The kind of a cell, as its class says. */
export const kindOf = (cell) => [...cell.classList].find((name) => name.startsWith("is-")).slice(3);

/** What a cell shows, as it would be typed: a text, or the list of its tags. */
export function shownValue(cell) {
  if (kindOf(cell) === "tags") return [...cell.querySelectorAll(".tag")].map((tag) => tag.textContent);
  const value = cell.querySelector(".value");
  return value?.dataset.value ?? value?.textContent ?? "";
}

const INPUTS = {
  // Not of the type email, which writes what is not ASCII in another way.
  email: { type: "text", inputMode: "email", spellcheck: false },
  phone: { type: "tel", inputMode: "tel" },
  number: { type: "text", inputMode: "decimal" },
  date: { type: "date" },
  zone: { type: "text", spellcheck: false },
  text: { type: "text" },
};

export function editorFor(cell, value, title) {
  const kind = kindOf(cell);
  const editor = kind === "tags" ? tagEditor(value) : plain(kind, value);
  editor.input.setAttribute("aria-label", title);
  const note = document.createElement("span");
  note.className = "error";
  note.id = "cell-error";
  note.setAttribute("role", "alert");
  editor.element.append(note);
  editor.complain = (text) => {
    note.textContent = text;
    editor.input.setAttribute("aria-invalid", "true");
    editor.input.setAttribute("aria-describedby", note.id);
  };
  editor.focus = () => {
    editor.input.focus();
    editor.input.select?.();
  };
  return editor;
}

function plain(kind, value) {
  const element = document.createElement("div");
  element.className = "edit";
  const input = kind === "boolean" ? choice(value) : typed(kind, value);
  element.append(input);
  if (kind === "zone") offerZones(input);
  return { element, input, value: () => input.value.trim() };
}

function typed(kind, value) {
  const long = kind === "text" && value.includes("\n"); // An input would take the line breaks out.
  const input = long ? document.createElement("textarea") : Object.assign(document.createElement("input"), INPUTS[kind] ?? INPUTS.text);
  input.autocomplete = "off";
  input.dir = "auto";
  input.value = value;
  return input;
}

function choice(value) {
  const select = document.createElement("select");
  for (const [each, title] of [["", "–"], ["true", "Yes"], ["false", "No"]]) select.add(new Option(title, each));
  select.value = value;
  return select;
}
