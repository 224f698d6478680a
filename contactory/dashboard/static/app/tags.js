// The tag picker: chips that can be removed, and a box that offers tags and creates new ones. Enter takes the tag
// that is offered first. A new tag that differs from another one only in case or accents gets a note with a button
// that takes the other one.
import { here } from "./grid.js";
import { onKey } from "./keys.js";
import { alike, bestOf, offers, tagsOf, typedIn } from "./offers.js";

const make = (tag, className) => Object.assign(document.createElement(tag), { className });

/**
 * An editor of a set of tags; `suggestAt` is the path for suggestions. Besides the members of every editor it has
 * `twins()`, the new names with the tags that they look like; `unseen()`, whether there are new names without a
 * comparison; and `settled()`, which compares them and tells whether none of them looks like another tag.
 */
export function tagEditor(names, { suggestAt = `${here()}/tags` } = {}) {
  const chosen = [...names];
  const fresh = new Set(); // New names that have not been compared with the other tags.
  const element = make("div", "edit edit-tags");
  const chips = make("ul", "tags");
  const input = Object.assign(make("input", ""), { autocomplete: "off", dir: "auto", placeholder: "Add a tag" });
  const notes = make("div", "tag-notes");
  notes.setAttribute("role", "status");

  const draw = () => chips.replaceChildren(...chosen.map((name) => chip(name, () => takeOff(name))));
  const takeOff = (name) => {
    chosen.splice(chosen.indexOf(name), 1);
    fresh.delete(name);
    notes.replaceChildren();
    draw();
    input.focus();
  };
  const put = (name) => {
    if (name && !chosen.includes(name)) chosen.push(name);
    draw();
  };
  const exchange = (name, other) => {
    const at = chosen.indexOf(name);
    if (at >= 0) chosen.splice(at, 1, ...(chosen.includes(other) ? [] : [other]));
    fresh.delete(name);
    draw();
  };
  const say = (words, title, run) => {
    const line = make("p", "tag-note");
    const button = Object.assign(make("button", "button button-small"), { type: "button", textContent: title });
    button.addEventListener("click", () => {
      line.remove();
      run();
      input.focus();
    });
    line.append(words, " ", button);
    notes.append(line);
  };

  const clear = () => {
    input.value = "";
    list.show([], "");
  };
  const pick = (name) => {
    clear();
    put(name);
  };
  const create = async (name) => {
    pick(name);
    fresh.add(name);
    await compare(name);
  };
  /** Shows what a new name looks like; returns whether it looks like another tag. */
  const compare = async (name) => {
    const [twin] = await tagsOf({ like: name }, suggestAt);
    if (!fresh.delete(name) || !twin) return false;
    say(`There is a tag “${twin}” already.`, `Use “${twin}”`, () => exchange(name, twin));
    return true;
  };
  const took = (name, typed) => {
    if (name === typed || !alike(name, typed)) return;
    say(`“${name}” is used, because this tag exists.`, `Create “${typed}”`, () => exchange(name, typed));
  };
  const enter = async () => {
    const typed = typedIn(input);
    if (list.take()) return;
    if (list.typed !== typed) await enterEarly(typed);
    else if (list.best) {
      const { best } = list;
      pick(best);
      took(best, typed);
    } else await create(typed);
  };
  /** Enter came before the list. The text counts at once, and gives way to the tag that would have been offered. */
  const enterEarly = async (typed) => {
    pick(typed);
    const best = bestOf(await tagsOf({ q: typed }, suggestAt), typed);
    if (best === typed || !chosen.includes(typed)) return;
    if (!best) {
      fresh.add(typed);
      await compare(typed);
    } else {
      exchange(typed, best);
      took(best, typed);
    }
  };

  const list = offers(input, { pick, create });
  element.append(chips, input, list.element, notes);
  input.addEventListener("input", async () => {
    const typed = typedIn(input);
    const found = typed ? await tagsOf({ q: typed }, suggestAt) : [];
    if (typed === typedIn(input)) list.show(found.filter((name) => !chosen.includes(name)), typed);
  });
  onKey(input, (event) => {
    const typed = typedIn(input);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") list.move(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" && typed) enter();
    else if (event.key === "," && typed) create(typed);
    else if (event.key === "Backspace" && !input.value && chosen.length) takeOff(chosen.at(-1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  draw();

  // Typed text that was not confirmed counts too, so that Tab loses nothing.
  const value = () => [...new Set([...chosen, typedIn(input)])].filter(Boolean).sort(byCodePoint);
  const news = () => [...new Set([...fresh, typedIn(input)])].filter((name) => name && !names.includes(name));
  const unseen = () => news().length > 0;
  const twins = async () => {
    const unknown = news();
    const found = await Promise.all(unknown.map((name) => tagsOf({ like: name }, suggestAt)));
    return unknown.map((name, index) => [name, found[index][0]]).filter(([, twin]) => twin);
  };
  const settled = async () => {
    const typed = typedIn(input);
    if (typed && !chosen.includes(typed)) fresh.add(typed);
    pick(typed);
    const seen = await Promise.all([...fresh].map(compare));
    return !seen.includes(true);
  };
  return { element, input, value, twins, unseen, settled };
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
