// Texts that are to be copied: a secret, a link, a command.
import { toast } from "./toasts.js";

// What shows a secret is the answer to a form. Loading it anew is to show the page, and not to send the form again.
if (document.querySelector("[data-copy]")) history.replaceState(history.state, "", location.href);

for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  text.addEventListener("focus", () => text.select());
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.value);
      toast("Copied.");
    } catch {
      text.select();
      toast("Press Ctrl-C to copy it.");
    }
  });
}
