// Sends a bulk change piece by piece. The progress is shown, and the user can stop it; if the server cannot be
// reached, the user can go on later. Leaving the page meanwhile asks.
import { guard } from "./leaving.js";
import { reason, send } from "./requests.js";
import { kept, workspace } from "./kept.js";
import { toast } from "./toasts.js";

const PIECE = 250;
const running = kept("running"); // What a page that was left in the middle had done.
let count = 0; // How many changes are running.

/** Whether a bulk change is running. */
export const busy = () => count > 0;

guard(busy);

/** A number in the same format as elsewhere on the page. */
export const shown = (number) => number.toLocaleString("en");

/**
 * Runs `action` with the form fields `extra` on `targets` ("id:version"), or, if there are none, on the `number`
 * contacts of `query`. Calls `after` with the totals after each piece. Returns the totals: the `changed` targets,
 * how many were the `same`, the `refused` ones by reason, how many were `sent`, whether it was `stopped`, and the
 * `failure`, the answer that ended it.
 */
export async function inPieces({ action, extra = [], targets, query, number, how, after = () => {} }) {
  const total = { changed: [], same: 0, refused: {}, sent: 0, all: targets?.length ?? number, stopped: false, failure: null };
  const progress = total.all > 1 ? progressOf(how, total) : null;
  let position = { cursor: "", until: "" };
  count += 1;
  while (!total.stopped && total.sent < total.all) {
    const piece = targets
      ? targets.slice(total.sent, total.sent + PIECE).map((each) => ["contact", each])
      : [["all", "1"], ["back", query], ["expected", total.all - total.sent], ...Object.entries(position)];
    if (progress) running.put({ how, done: total.changed.length, all: total.all, sent: Math.min(PIECE, total.all - total.sent) });
    const answer = await sent(() => send(`${workspace()}/contacts/many`, [["action", action], ...extra, ...piece]), how, total);
    if (!answer) break;
    if (!answer.ok) {
      total.failure = answer;
      break;
    }
    const found = JSON.parse(answer.text);
    add(total, found);
    after(total);
    progress?.show();
    if (targets ? false : !found.next) break;
    position = { cursor: found.next, until: found.until };
  }
  count -= 1;
  running.put(null);
  progress?.remove();
  return total;
}

function add(total, found) {
  total.changed.push(...found.changed);
  total.same += found.same;
  for (const [why, number] of Object.entries(found.refused)) total.refused[why] = (total.refused[why] ?? 0) + number;
  total.sent += found.changed.length + found.same + Object.values(found.refused).reduce((sum, number) => sum + number, 0);
}

/** The answer to a piece; while the server cannot be reached or the user is signed out, the user is asked. */
async function sent(attempt, how, total) {
  for (;;) {
    const answer = await attempt().catch(() => null);
    if (answer && answer.status !== 401 && answer.status !== 503) return answer;
    const done = total.sent ? `${how}: ${shown(total.sent)} of ${shown(total.all)} done. ` : `${how}: nothing was changed. `;
    const again = await new Promise((settle) => {
      const action = { title: "Try again", run: () => settle(true) };
      toast(done + reason(answer), { bad: true, lasting: true, action, dismissed: () => settle(false) });
    });
    if (again) continue;
    total.stopped = true;
    return null;
  }
}

function progressOf(how, total) {
  const stop = { title: "Stop", run: () => { total.stopped = true; } };
  const message = toast(`${how}…`, { action: stop, lasting: true });
  return {
    remove: () => message.remove(),
    show: () => {
      message.querySelector("span").textContent = `${how}: ${shown(total.sent)} of ${shown(total.all)} done`;
    },
  };
}

/** What a bulk change has done, in words. */
export function summary(how, total) {
  const parts = [`${how}: ${shown(total.changed.length)} changed`];
  if (total.same) parts.push(`${shown(total.same)} ${total.same === 1 ? "was" : "were"} already up to date`);
  for (const [why, number] of Object.entries(total.refused)) parts.push(`${shown(number)} not changed: ${why}`);
  if (total.stopped) parts.push("stopped");
  return `${parts.join("; ")}.`;
}

const left = running.get();
if (left) {
  running.put(null);
  const words = `${left.how} was interrupted: ${shown(left.done)} of ${shown(left.all)} contacts were changed`;
  toast(`${words}, and up to ${shown(left.sent)} more may have been.`, { bad: true, lasting: true });
}
