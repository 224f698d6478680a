// The input for each kind of value. An editor is {element, value(), focus(), complain(text, other)}; `other` leads to a contact.
import { tagEditor } from "./tags.js";
import { offerZones } from "./zones.js";

/** The editor of a cell's column, which the server describes at the head; null if there is none. */
export function descriptionOf(cell) {
  const head = cell.closest("table").querySelector(`thead [data-key="${CSS.escape(cell.dataset.key)}"]`);
  return head?.dataset.editor ? JSON.parse(head.dataset.editor) : null;
}

/** The value of a cell in the form in which it is typed: a text, or, if it has tags, their list. */
export function shownValue(cell, hasTags = descriptionOf(cell)?.widget === "tags") {
  if (hasTags) return [...cell.querySelectorAll(".tag")].map((tag) => tag.textContent);
  const value = cell.querySelector(".value");
  return value?.dataset.value ?? value?.textContent ?? "";
}

/** The editor for a column of this description, with a value; `title` is the column's. */
export function editorFor(description, value, title) {
  const editor = description.widget === "tags" ? tagEditor(value) : plain(description, value);
  editor.input.setAttribute("aria-label", title);
  const note = document.createElement("span");
  note.className = "error";
  note.id = "cell-error";
  note.setAttribute("role", "alert");
  editor.element.append(note);
  editor.complain = (text, other) => {
    note.textContent = text;
    if (other) note.append(" ", Object.assign(document.createElement("a"), { href: other, textContent: "Show the other contact" }));
    editor.input.setAttribute("aria-invalid", "true");
    editor.input.setAttribute("aria-describedby", note.id);
  };
  editor.focus = () => {
    editor.input.focus();
    editor.input.select?.();
  };
  return editor;
}

function plain(description, value) {
  const element = document.createElement("div");
  element.className = "edit";
  const input = description.choices.length ? choice(description.choices, value) : typed(description, value);
  element.append(input);
  if ("zone" in input.dataset) offerZones(input);
  return { element, input, value: () => input.value.trim() };
}

function typed({ attributes, widget }, value) {
  const long = widget === "lines" && value.includes("\n"); // An input would remove the line breaks.
  const input = document.createElement(long ? "textarea" : "input");
  if (!long) for (const [name, text] of Object.entries(attributes)) input.setAttribute(name, text);
  input.autocomplete = "off";
  input.dir = "auto";
  input.value = value;
  return input;
}

function choice(choices, value) {
  const select = document.createElement("select");
  for (const [each, title] of [["", "–"], ...choices]) select.add(new Option(title, each));
  select.value = value;
  return select;
}
