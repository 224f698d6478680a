// What the server says has been done, as a toast. Without scripts it stands in the page.
import { toast } from "./toasts.js";

/** Takes what is said out of `root`; empty where nothing is. */
export function takeNotice(root) {
  const said = root.querySelector("[data-said]");
  said?.remove();
  return said?.textContent.trim() ?? "";
}

const said = takeNotice(document);
if (said) {
  toast(said);
  // Loaded again, the page has nothing to say any more.
  const query = new URLSearchParams(location.search);
  query.delete("done");
  history.replaceState(history.state, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
}
