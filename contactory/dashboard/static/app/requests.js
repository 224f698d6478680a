// Requests of scripts to the server, with the secret that identifies pages of the dashboard, and with a message
// to the user if something goes wrong. If the session is over, the user can sign in again, and the request is
// sent once more.
import { ready, secret } from "./session.js";
import { toast } from "./toasts.js";

const AWAY = "The server cannot be reached. Check your connection and try again.";
const MOST_KEPT = 4_000; // Browsers finish small requests also if the page is left meanwhile.

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = secret();
});

const TEXT = 'textarea, input:not([type="checkbox"], [type="radio"])';

/** Waits while the user types into something other than `elt`: a dialog would get the rest of the text. */
async function untilTyped(elt) {
  while (document.activeElement?.matches(TEXT) && !elt.contains(document.activeElement)) {
    await new Promise((go) => document.addEventListener("focusout", () => setTimeout(go), { once: true }));
  }
}

document.addEventListener("htmx:responseError", async (event) => {
  const { xhr, elt, target, requestConfig } = event.detail;
  if (xhr.status === 401) await untilTyped(elt);
  if (xhr.status === 401 && (await ready()) === "in") {
    if (elt.isConnected) window.htmx.ajax("GET", requestConfig.path, { source: elt, target });
    return;
  }
  const problem = problemOf(xhr.responseText);
  toast(problem.errors?.[0]?.detail ?? problem.detail, { bad: true });
});

document.addEventListener("htmx:sendError", () => {
  toast(AWAY, { bad: true });
});

function problemOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { status: 500, detail: "Something went wrong. Try again in a moment." };
  }
}

/** The message to the user for a refusal, or for a missing answer. */
export function reason(answer) {
  if (answer?.status === 404) return "It does not exist any more: another user has deleted it.";
  const { errors, detail } = answer?.problem ?? {};
  return errors?.[0]?.detail ?? detail ?? AWAY;
}

/** The words of an error at its input, without the name of the field, which is there already. */
export function wordsAt({ pointer = "", detail, suggestion }) {
  const name = pointer.split("/").at(-1).replaceAll("~1", "/").replaceAll("~0", "~");
  const quoted = `"${name}" `;
  const words = detail.startsWith(quoted) ? `This ${detail.slice(quoted.length)}` : detail;
  return suggestion ? `${words.replace(/\.?$/, ".")} Did you mean ${suggestion}?` : words;
}

/** Whether a request failed because the page is of an earlier session. */
const unsigned = (answer) => answer.status === 401 || (answer.status === 403 && answer.problem?.errors?.[0]?.code === "stale_form");

async function post(path, body, lasting) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "X-CSRF-Token": secret(), "HX-Request": "true" },
    body,
    keepalive: lasting && body.toString().length < MOST_KEPT,
  });
  const text = await response.text();
  const problem = response.ok ? null : problemOf(text);
  return { ok: response.ok, status: response.status, text, problem, headers: response.headers };
}

/**
 * Sends a form's values; returns {ok, status, text, problem, headers}. Rejects if the server is away. A `lasting`
 * request goes on if the page is left meanwhile.
 */
export async function send(path, values, { lasting = false } = {}) {
  const body = new URLSearchParams(values);
  const answer = await post(path, body, lasting);
  return unsigned(answer) && (await ready()) === "in" ? post(path, body, lasting) : answer;
}

/** Gets a part of a page, as fetch does. */
export async function get(path) {
  const options = { headers: { "HX-Request": "true" } };
  const answer = await fetch(path, options);
  return answer.status === 401 && (await ready()) === "in" ? fetch(path, options) : answer;
}
