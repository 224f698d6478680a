// Short messages that disappear by themselves, but not while the pointer or the focus is on them.
const box = document.getElementById("toasts");

/**
 * Shows `text`; `action` is {title, run} for a button, `bad` marks an error; `lasting` stays; `dismissed` runs if
 * the user closes it.
 */
export function toast(text, { action, bad = false, lasting = false, dismissed } = {}) {
  const message = document.createElement("div");
  message.className = bad ? "toast toast-bad" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  message.append(words);
  if (action) message.append(button(action.title, "toast-action", () => { message.remove(); action.run(); }));
  const close = button("×", "toast-close", () => { message.remove(); dismissed?.(); });
  close.setAttribute("aria-label", "Dismiss");
  message.append(close);
  box.append(message);
  if (!lasting) leave(message, bad ? 12000 : 8000);
  return message;
}

function button(title, className, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = title;
  made.addEventListener("click", run);
  return made;
}

function leave(message, wait) {
  setTimeout(() => {
    if (message.matches(":hover, :focus-within")) leave(message, 2000);
    else message.remove();
  }, wait);
}
