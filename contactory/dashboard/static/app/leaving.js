// Asks before a page is left that would lose something: each guard is a function that returns whether it would.
const guards = new Set();

/** Asks before the page is left while `loses()` is true; returns a function that ends this. */
export function guard(loses) {
  guards.add(loses);
  return () => guards.delete(loses);
}

window.addEventListener("beforeunload", (event) => {
  if ([...guards].some((loses) => loses())) event.preventDefault();
});
