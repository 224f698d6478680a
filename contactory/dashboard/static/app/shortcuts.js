// `?` shows the shortcuts, `/` goes to the search. Neither works while the user types.
import { onKey } from "./keys.js";

const sheet = document.getElementById("shortcuts");
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

onKey(document, (event) => {
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") sheet.showModal();
  else if (event.key === "/" && document.querySelector('input[type="search"]')) document.querySelector('input[type="search"]').focus();
  else return;
  event.preventDefault();
});

document.querySelector("[data-shortcuts]")?.addEventListener("click", () => sheet.showModal());
sheet?.addEventListener("click", (event) => {
  if (event.target === sheet) sheet.close();
});
