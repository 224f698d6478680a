// The tag picker: chips that can be removed, and a box that suggests tags and creates new ones.
import { here } from "./grid.js";
import { onKey } from "./keys.js";

const make = (tag, className) => Object.assign(document.createElement(tag), { className });
let number = 0;

/** An editor of a set of tags; `suggestAt` is the path for suggestions. */
export function tagEditor(names, { suggestAt } = {}) {
  const chosen = [...names];
  const element = make("div", "edit edit-tags");
  const chips = make("ul", "tags");
  const input = Object.assign(make("input", ""), { autocomplete: "off", dir: "auto", placeholder: "Add a tag" });
  const list = make("ul", "suggestions");
  list.id = `tag-suggestions-${(number += 1)}`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Tags");
  list.hidden = true;
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id })) {
    input.setAttribute(name, value);
  }
  element.append(chips, input, list);

  const draw = () => chips.replaceChildren(...chosen.map((name) => chip(name, () => take(name))));
  const take = (name) => {
    chosen.splice(chosen.indexOf(name), 1);
    draw();
    input.focus();
  };
  const add = (name) => {
    const trimmed = name.trim();
    if (trimmed && !chosen.includes(trimmed)) chosen.push(trimmed);
    input.value = "";
    draw();
    show([]);
  };
  let active = -1;
  const show = (found) => {
    active = -1;
    list.replaceChildren(...found.map((name) => suggestion(name, () => add(name))));
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
  };
  const point = (step) => {
    const all = [...list.children];
    if (!all.length) return;
    all[active]?.removeAttribute("aria-selected");
    active = (active + step + all.length + (active < 0 && step < 0 ? 1 : 0)) % all.length;
    all[active].setAttribute("aria-selected", "true");
    all[active].id = `${list.id}-active`;
    for (const other of all) if (other !== all[active]) other.removeAttribute("id");
    input.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  };

  let asked = 0;
  input.addEventListener("input", async () => {
    const mine = (asked += 1);
    const found = input.value.trim() ? await suggestions(input.value, suggestAt) : [];
    if (mine === asked) show(found.filter((name) => !chosen.includes(name)));
  });
  onKey(input, (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") point(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" && (active >= 0 || input.value.trim())) {
      add(active >= 0 ? list.children[active].textContent : input.value);
    } else if (event.key === "," && input.value.trim()) add(input.value);
    else if (event.key === "Backspace" && !input.value && chosen.length) take(chosen.at(-1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  draw();
  // Typed text that was not confirmed counts too, so that Tab loses nothing.
  const value = () => [...new Set([...chosen, input.value.trim()])].filter(Boolean).sort(byCodePoint);
  return { element, input, value };
}

// In the server's order, so that an unchanged set is recognised.
function byCodePoint(one, other) {
  const [left, right] = [[...one], [...other]];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const difference = left[i].codePointAt(0) - right[i].codePointAt(0);
    if (difference) return difference;
  }
  return left.length - right.length;
}

async function suggestions(typed, at = `${here()}/tags`) {
  const answer = await fetch(`${at}?q=${encodeURIComponent(typed.trim())}`, {
    headers: { "HX-Request": "true" },
  }).catch(() => null);
  return answer?.ok ? answer.json() : [];
}

function chip(name, takeOff) {
  const item = make("li", "tag");
  const label = make("span", "tag-name");
  label.dir = "auto";
  label.textContent = name;
  const button = make("button", "tag-off");
  button.type = "button";
  button.textContent = "×";
  button.setAttribute("aria-label", `Remove ${name}`);
  button.addEventListener("click", takeOff);
  item.append(label, button);
  return item;
}

function suggestion(name, choose) {
  const item = make("li", "suggestion");
  item.setAttribute("role", "option");
  item.dir = "auto";
  item.textContent = name;
  // Before the box loses the focus, which would save.
  item.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    choose();
  });
  return item;
}
