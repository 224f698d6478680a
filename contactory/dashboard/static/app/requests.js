// Requests of scripts to the server, with the secret that identifies pages of the dashboard, and with a message
// to the user if something goes wrong.
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

/** The message to the user for a refusal, or for a missing answer. */
export function reason(answer) {
  if (answer?.status === 404) return "It does not exist any more: another user has deleted it.";
  const { errors, detail } = answer?.problem ?? {};
  return errors?.[0]?.detail ?? detail ?? "The server cannot be reached. Check your connection and try again.";
}

/** Sends a form's values; returns {ok, status, text, problem, headers}. Rejects if the server is away. */
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
