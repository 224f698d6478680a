// What scripts ask the server: with the secret that tells our pages from others', and with a word to the person
// where something goes wrong.
import { toast } from "./toasts.js";

const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = csrf;
});

document.addEventListener("htmx:responseError", (event) => {
  refused(problemOf(event.detail.xhr.responseText));
});

document.addEventListener("htmx:sendError", () => {
  toast("The server cannot be reached. Check your connection and try again.", { bad: true });
});

function problemOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { status: 500, detail: "Something went wrong. Try again in a moment." };
  }
}

function refused(problem) {
  if (problem.status === 401) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  toast(problem.errors?.[0]?.detail ?? problem.detail, { bad: true });
}

/** What to tell a person of an answer that refuses something, or of none. */
export function reason(answer) {
  if (answer?.status === 404) return "That is not there any more: somebody has deleted it meanwhile.";
  const { errors, detail } = answer?.problem ?? {};
  return errors?.[0]?.detail ?? detail ?? "The server cannot be reached. Check your connection and try again.";
}

/** Sends a form's values; gives {ok, status, text, problem, headers}. Rejects where the server is away. */
export async function send(path, values) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "X-CSRF-Token": csrf, "HX-Request": "true" },
    body: new URLSearchParams(values),
  });
  const text = await response.text();
  const problem = response.ok ? null : problemOf(text);
  if (response.status === 401) refused(problem);
  return { ok: response.ok, status: response.status, text, problem, headers: response.headers };
}
