// The keys that a page handles. While an input method composes text (Chinese, Japanese, Korean, Vietnamese and
// others), Enter, Escape, Tab and the arrows belong to it. Safari ends the composition before it reports the last
// key, which then has the code 229 (UI Events, "Legacy key attributes").
const composes = (event) => event.isComposing || event.keyCode === 229;

/** Calls `run` for every key that is pressed in `target`, if there is a target, except while text is composed. */
export function onKey(target, run, options) {
  const listener = (event) => composes(event) || run(event);
  target?.addEventListener("keydown", listener, options);
}
