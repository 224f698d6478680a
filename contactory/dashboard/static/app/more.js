// Links that load more of a list. If such a link has the focus, the first of what it has brought gets it.
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  if (!target.matches(".more, .older") || !target.contains(document.activeElement)) return;
  const [list, before] = [target.parentNode, target.previousElementSibling];
  list.addEventListener("htmx:load", () => setTimeout(() => focus(before?.nextElementSibling)), { once: true });
});

function focus(element) {
  if (!element) return;
  const first = element.querySelector("td[data-key]") ?? element.querySelector("a[href], button") ?? element;
  if (first === element) element.tabIndex = -1;
  first.focus();
}
