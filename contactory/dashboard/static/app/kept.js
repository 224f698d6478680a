// What a tab keeps for its session, for this user and workspace: numbers and ids, but no data of contacts.
import { userId } from "./session.js";

/** The path of the workspace of this page, or "". */
export const workspace = () => /^\/w\/[^/]+/.exec(location.pathname)?.[0] ?? "";

/** A place for a value: get() returns it, or null; put(null) removes it. put() returns whether it has room. */
export function kept(name) {
  const key = `contactory-${name}:${userId()}:${workspace()}`;
  return {
    get: () => JSON.parse(sessionStorage.getItem(key)),
    put: (value) => {
      try {
        if (value === null) sessionStorage.removeItem(key);
        else sessionStorage.setItem(key, JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
  };
}
