// The page of one contact, and of a new one: a list of zones, tags as chips, a running clock.
import "./clocks.js";
import { unsaved } from "./forms.js";
import { tagEditor } from "./tags.js";
import { offerZones } from "./zones.js";

for (const input of document.querySelectorAll("[data-zone]")) offerZones(input);

// The lines of the text area are sent; the chips write into them.
for (const area of document.querySelectorAll("[data-tags]")) {
  const form = area.closest("form");
  // A name can have line breaks, so the list shows where one ends; the browser may have restored typed text.
  const names = area.value === area.defaultValue ? JSON.parse(area.dataset.tags) : area.value.split("\n").filter(Boolean);
  const editor = tagEditor(names, { suggestAt: `${location.pathname.split("/contacts")[0]}/contacts/tags` });
  editor.input.id = area.id;
  document.getElementById(`${area.id}-note`)?.classList.toggle("unseen", !area.hasAttribute("aria-invalid"));
  for (const name of ["id", "aria-describedby", "aria-invalid"]) {
    if (area.hasAttribute(name)) editor.input.setAttribute(name, area.getAttribute(name));
    area.removeAttribute(name);
  }
  area.hidden = true;
  area.after(editor.element);
  // At each change, so that the form knows that it has one.
  const write = () => {
    area.value = editor.value().join("\n");
  };
  editor.element.addEventListener("input", write);
  new MutationObserver(write).observe(editor.element, { childList: true, subtree: true });
  form.addEventListener("submit", async (event) => {
    write();
    if (!editor.unseen()) return;
    event.preventDefault();
    if (await editor.settled()) form.requestSubmit(event.submitter); // Otherwise a note says why not.
  });
}

// A change of this contact was undone, or done again.
document.addEventListener("contacts:changed", ({ detail }) => {
  const mine = detail.targets.some((target) => location.pathname.endsWith(`/contacts/${target.split(":")[0]}`));
  if (mine && !unsaved().length) setTimeout(() => location.reload(), 300);
});
