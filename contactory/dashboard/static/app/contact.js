// The page of one contact, and of a new one: a list of zones, tags as chips, a running clock.
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
  area.removeAttribute("id");
  area.hidden = true;
  document.getElementById(`${editor.input.id}-note`)?.classList.toggle("unseen", !area.hasAttribute("aria-invalid"));
  area.after(editor.element);
  // At each change, so that the form knows that it has one.
  const write = () => {
    area.value = editor.value().join("\n");
  };
  editor.element.addEventListener("input", write);
  new MutationObserver(write).observe(editor.element, { childList: true, subtree: true });
  form.addEventListener("submit", write);
}

// A change of this contact was undone, or done again.
document.addEventListener("contacts:changed", ({ detail }) => {
  const mine = detail.targets.some((target) => location.pathname.endsWith(`/contacts/${target.split(":")[0]}`));
  if (mine && !unsaved().length) setTimeout(() => location.reload(), 300);
});

const clocks = document.querySelectorAll("[data-clock]");
if (clocks.length) {
  const tick = () => {
    for (const clock of clocks) {
      const options = { timeZone: clock.dataset.clock, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
      try {
        clock.textContent = new Intl.DateTimeFormat(undefined, options).format(new Date());
      } catch {
        // The browser does not know this zone: the server's text stays.
      }
    }
  };
  tick();
  setInterval(tick, 15_000);
}
