// The session of this page. If it is over, a dialog asks to sign in again, and the page stays as it is, with all
// that was typed. If the user has signed in again in another tab, the page takes over the secret of that session.
const meta = document.querySelector('meta[name="csrf"]');
const user = document.querySelector('meta[name="user"]');
const SCRIPTED = { headers: { "HX-Request": "true" } };
let waiting = null; // While the dialog is open: what it will lead to.

/** The secret that identifies forms of our pages. */
export const secret = () => meta?.content ?? "";

/** The id of the user whose page this is. */
export const userId = () => user?.content ?? "";

/** The server's {user, csrf}, or null if it cannot be reached. */
async function current() {
  const answer = await fetch("/sign-in", SCRIPTED).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** Whether the page can go on in this session; if so, all its forms get its secret. */
function resumes(found) {
  if (found?.user?.id !== userId()) return false;
  meta.content = found.csrf;
  for (const input of document.querySelectorAll('input[name="csrf"]')) input.value = found.csrf;
  return true;
}

/** Makes sure that the user of this page is signed in; returns "in", "out" (the user cancelled) or "away". */
export async function ready() {
  if (waiting) return waiting;
  const found = await current();
  if (!found) return "away";
  if (resumes(found)) return "in";
  waiting ??= ask(found).finally(() => {
    waiting = null;
  });
  return waiting;
}

const OVER = "Your session is over. What you typed is still here: sign in again to go on.";
const other = (name) => `${name} is signed in now in this browser. Sign in again to go on with what you typed.`;

function ask(found) {
  const dialog = document.createElement("dialog");
  dialog.className = "sheet";
  dialog.setAttribute("aria-labelledby", "again-title");
  dialog.innerHTML = `
    <form method="post" class="menu-form" data-passing>
      <h2 id="again-title">Sign in again</h2>
      <p data-why></p>
      <p class="notice notice-bad" role="alert" hidden></p>
      <label for="again-email">E-mail</label>
      <input id="again-email" autocomplete="username" readonly>
      <label for="again-password">Password</label>
      <input id="again-password" type="password" autocomplete="current-password" required>
      <p class="menu-foot"><button class="button button-first">Sign in</button> <button class="button" type="button">Cancel</button></p>
      <p><a href="/sign-in" target="_blank">Open the sign-in in a new tab</a></p>
    </form>`;
  dialog.querySelector("[data-why]").textContent = found.user ? other(found.user.name) : OVER;
  dialog.querySelector("#again-email").value = user.dataset.email;
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("#again-password").focus();
  return outcome(dialog);
}

/** What the dialog leads to: a sign-in, here or in another tab, or its end without one. */
function outcome(dialog) {
  const listening = new AbortController();
  return new Promise((settle) => {
    const end = (state) => {
      listening.abort();
      dialog.remove();
      settle(state);
    };
    const on = (target, name, run) => target.addEventListener(name, run, { signal: listening.signal });
    on(dialog, "close", () => end("out"));
    on(dialog.querySelector('[type="button"]'), "click", () => dialog.close());
    on(document, "visibilitychange", async () => {
      if (!document.hidden && resumes(await current())) end("in");
    });
    on(dialog.querySelector("form"), "submit", async (event) => {
      event.preventDefault();
      if (await signIn(dialog)) end("in");
    });
  });
}

async function signIn(dialog) {
  const password = dialog.querySelector("#again-password");
  const button = dialog.querySelector(".button-first");
  button.disabled = true;
  const refusal = await refusalOf(await sent(password.value));
  button.disabled = false;
  if (!refusal) return true;
  const message = dialog.querySelector('[role="alert"]');
  message.hidden = false;
  message.textContent = refusal;
  password.select();
  return false;
}

/** The answer to a sign-in, or null if the server cannot be reached. */
async function sent(password) {
  const found = await current(); // Another request or tab may have got another secret since the dialog opened.
  if (!found) return null;
  // After the sign-in the server answers with the session, as to `current`.
  const values = { csrf: found.csrf, email: user.dataset.email, password, next: "/sign-in" };
  return fetch("/sign-in", { ...SCRIPTED, method: "POST", body: new URLSearchParams(values) }).catch(() => null);
}

/** Why an answer is not a sign-in of this page's user; empty if it is one. */
async function refusalOf(answer) {
  if (!answer) return "The server cannot be reached. Check your connection and try again.";
  if (answer.ok) return resumes(await answer.json()) ? "" : "This password belongs to another user with this e-mail.";
  const text = await answer.text();
  if (answer.headers.get("content-type")?.startsWith("text/html")) {
    const page = new DOMParser().parseFromString(text, "text/html");
    return page.querySelector('[role="alert"]')?.textContent ?? "The sign-in did not work. Try again.";
  }
  return JSON.parse(text).detail ?? "The sign-in did not work. Try again.";
}
