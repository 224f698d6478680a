// The tags that are offered below a box while the user types: a combobox with a list (WAI-ARIA, "combobox").

let number = 0;

/** Asks the server at the path `at`: `{q}` for tags with a part of a name, `{like}` for those that look like a name. */
export async function tagsOf(query, at) {
  const answer = await fetch(`${at}?${new URLSearchParams(query)}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  return answer?.ok ? answer.json() : [];
}

export const typedIn = (input) => input.value.trim().normalize("NFC");

// Without case, accents and signs: this decides only which tag is offered first.
const plain = (text) => text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
const words = (text) => ` ${plain(text).replace(/[^\p{L}\p{N}]+/gu, " ").trim()}`;

/** Whether two names differ at most in case and accents. */
export const alike = (one, other) => plain(one) === plain(other);

/** The tag that Enter takes: the typed one itself, otherwise the first with a word that begins so; or empty. */
export function bestOf(found, typed) {
  const begins = (name) =>
    plain(name).startsWith(plain(typed)) || (words(typed) !== " " && words(name).includes(words(typed)));
  const exact = found.includes(typed) ? typed : found.find((name) => alike(name, typed));
  return exact ?? found.find(begins) ?? "";
}

/** The list below a box. `pick` gets a tag that the user chooses, `create` a new name. */
export function offers(input, { pick, create }) {
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = `tag-suggestions-${(number += 1)}`;
  list.hidden = true;
  const roles = { role: "combobox", "aria-expanded": "false", "aria-controls": list.id };
  for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Tags");
  let chosen = -1; // By the arrow keys.

  const mark = (index) => {
    input.removeAttribute("aria-activedescendant");
    [...list.children].forEach((item, at) => {
      item.id = `${list.id}-${at}`;
      item.setAttribute("aria-selected", String(at === index));
      if (at === index) input.setAttribute("aria-activedescendant", item.id);
    });
    list.children[index]?.scrollIntoView({ block: "nearest" });
  };

  return {
    element: list,
    best: "",
    /** The text that the list answers. */
    typed: "",
    show(found, typed) {
      chosen = -1;
      this.typed = typed;
      this.best = bestOf(found, typed);
      const items = found.map((name) => option(name, () => pick(name)));
      if (found.length && !found.includes(typed)) items.push(option(`New tag “${typed}”`, () => create(typed)));
      list.replaceChildren(...items);
      list.hidden = !items.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
      mark(found.indexOf(this.best));
    },
    /** Moves by the arrow keys. The first press chooses what is offered. */
    move(step) {
      const count = list.children.length;
      if (!count) return;
      chosen = (chosen + step + count + (chosen < 0 && step < 0 ? 1 : 0)) % count;
      mark(chosen);
    },
    /** Takes the item that the arrow keys have chosen; whether there is one. */
    take() {
      if (chosen < 0) return false;
      list.children[chosen].choose();
      return true;
    },
  };
}

function option(title, choose) {
  const item = document.createElement("li");
  item.className = "suggestion";
  item.setAttribute("role", "option");
  item.dir = "auto";
  item.textContent = title;
  item.choose = choose;
  // Before the box loses the focus, which would save.
  item.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    choose();
  });
  return item;
}
