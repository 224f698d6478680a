// Shows the server's message as a toast. Without scripts the message is part of the page.
import { toast } from "./toasts.js";

/** Removes the message from `root` and returns it; empty if there is none. */
export function takeNotice(root) {
  const text = root.querySelector("[data-status]");
  text?.remove();
  return text?.textContent.trim() ?? "";
}

const text = takeNotice(document);
if (text) {
  toast(text);
  // If the page is loaded again, it does not show the message again.
  const query = new URLSearchParams(location.search);
  query.delete("done");
  history.replaceState(history.state, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
}
