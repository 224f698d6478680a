// Forms keep what was typed. A page with changes asks before it is left, and a form is only sent when the server
// can be reached and the session is not over: otherwise the answer would take the place of the page.
import { guard } from "./leaving.js";
import { ready } from "./session.js";
import { toast } from "./toasts.js";

const FORMS = 'main form[method="post"]:not([data-passing])';
const AWAY = "The server cannot be reached, so nothing was saved. What you typed is still here.";
const OUT = "You are signed out, so nothing was saved. What you typed is still here.";
const FRESH = 2000; // Milliseconds.
let sent = null; // The form whose answer will take the place of the page.
let checked = { form: null, at: 0 }; // The form that may be sent now.
let checking = false;

/** A text as an input, or a text area, holds it. */
const held = (control, text) => (control.tagName === "INPUT" ? text.replace(/[\r\n]/g, "") : text.replace(/\r\n?/g, "\n"));

const fillable = (control) => Boolean(control.name) && !["hidden", "submit", "button", "fieldset"].includes(control.type);

function changed(control) {
  if (!fillable(control) || control.disabled || control.type === "password") return false;
  if (["checkbox", "radio"].includes(control.type)) return control.checked !== control.defaultChecked;
  if (control.tagName !== "SELECT") return control.value !== held(control, control.defaultValue);
  const options = [...control.options];
  return options.some((each) => each.defaultSelected) ? options.some((each) => each.selected !== each.defaultSelected) : control.selectedIndex > 0;
}

/** Whether a form has values that are not saved; one that was refused has been so from the start. */
export function edited(form) {
  return form.hasAttribute("data-unsaved") || [...form.elements].some(changed);
}

/** Whether a form of the page, or of a dialog, has values that are not saved. */
export const unsaved = () => [...document.querySelectorAll(`${FORMS}, dialog[open] form[method="post"]:not([data-passing])`)].filter(edited);

guard(() => unsaved().some((form) => form !== sent));

document.addEventListener("submit", (event) => {
  const form = event.target;
  const needed = form.matches(FORMS) && [...form.elements].some(fillable);
  if (!needed || (form === checked.form && performance.now() - checked.at < FRESH)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!checking) check(form, event.submitter);
}, true);

document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented && event.target.matches(FORMS)) sent = event.target;
});

async function check(form, submitter) {
  const again = () => form.requestSubmit(submitter?.isConnected ? submitter : null);
  checking = true;
  const state = await ready();
  checking = false;
  if (state === "in") {
    checked = { form, at: performance.now() };
    again();
  } else {
    const action = { title: state === "away" ? "Try again" : "Sign in", run: again };
    toast(state === "away" ? AWAY : OUT, { bad: true, lasting: true, action });
  }
}

window.addEventListener("pageshow", () => {
  sent = null;
});
