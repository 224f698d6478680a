// Copies texts: a secret, a link, a command; in a field, or as text of the page.
import { toast } from "./toasts.js";

const isField = (source) => "value" in source;
const select = (source) => (isField(source) ? source.select() : getSelection().selectAllChildren(source));

// A page with a secret is the answer to a form. A reload must show the page and not send the form again.
if (document.querySelector("[data-copy]")) history.replaceState(history.state, "", location.href);

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (isField(source)) source.addEventListener("focus", () => select(source));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(isField(source) ? source.value : source.textContent);
      toast("Copied.");
    } catch {
      select(source);
      toast("Press Ctrl-C to copy it.");
    }
  });
}
