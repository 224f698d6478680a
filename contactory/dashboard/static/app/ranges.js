// Opening hours in the editor: {day, start, end}, with the day from 0 for Monday and minutes after its midnight;
// an end past 24 hours is on the next day. This module does not use the page.
export const DAY = 24 * 60;
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** "09:30" in minutes; NaN for anything else. */
export function minutesOf(text) {
  const found = /^(\d\d):(\d\d)/.exec(text);
  return found ? Number(found[1]) * 60 + Number(found[2]) : NaN;
}

/** Minutes after midnight as "09:30"; the midnight at the end of a day is "00:00". */
export function clock(minutes) {
  const left = ((minutes % DAY) + DAY) % DAY;
  return `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
}

/** A range from two typed times; null if they are not a range. */
export function rangeOf(day, from, to) {
  const start = minutesOf(from);
  const end = minutesOf(to);
  if (Number.isNaN(start) || Number.isNaN(end)) return null;
  if (start === end && start !== 0) return null;
  return { day, start, end: end > start ? end : end + DAY };
}

const snap = (minutes, step) => Math.round(minutes / step) * step;
const within = (value, least, most) => Math.min(Math.max(value, least), most);
/** The maximum length of an opening: until just before it begins again. */
const latest = (start, step) => (start === 0 ? DAY : start + DAY - step);

/** The range moved by days and minutes; a range that ends before midnight still does. */
export function moved(range, days, minutes, step) {
  const length = range.end - range.start;
  const most = range.end > DAY ? DAY - step : DAY - length;
  const start = within(minutes ? snap(range.start + minutes, step) : range.start, 0, most);
  return { day: within(range.day + days, 0, 6), start, end: Math.min(start + length, latest(start, 1)) };
}

/** The range with another end, in minutes after the midnight of its own day. */
export function endingAt(range, minutes, step) {
  return { ...range, end: within(snap(minutes, step), range.start + step, latest(range.start, step)) };
}

/** The range with another start. */
export function startingAt(range, minutes, step) {
  const least = Math.max(0, range.end - DAY + (range.end > DAY ? step : 0));
  return { ...range, start: within(snap(minutes, step), least, Math.min(range.end, DAY) - step) };
}

/** The ranges between two corners of the week, one for each day. */
export function between(one, other, step) {
  const start = within(snap(Math.min(one.minute, other.minute), step), 0, DAY - step);
  const end = within(snap(Math.max(one.minute, other.minute), step), start + step, DAY);
  const first = Math.min(one.day, other.day);
  const count = Math.abs(one.day - other.day) + 1;
  return Array.from({ length: count }, (_, index) => ({ day: first + index, start, end }));
}

/** `list` with `changed` added: ranges that overlap or touch it are joined with it, or cut to fit. */
export function settled(list, changed) {
  let range = changed;
  const kept = [];
  for (const other of list) {
    const joined = other.day === range.day && other.end <= DAY && range.end <= DAY;
    if (joined && other.start <= range.end && range.start <= other.end) {
      range = { day: range.day, start: Math.min(range.start, other.start), end: Math.max(range.end, other.end) };
    } else {
      kept.push(...without(other, range));
    }
  }
  return [...kept, range].sort((a, b) => a.day - b.day || a.start - b.start);
}

/** The parts of a range outside another one; the week is a circle. */
function without(range, other) {
  for (const weeks of [-7, 0, 7]) {
    const shift = (other.day + weeks - range.day) * DAY;
    const [start, end] = [other.start + shift, other.end + shift];
    if (start >= range.end || range.start >= end) continue;
    const before = { ...range, end: start };
    const after = end >= DAY
      ? { day: (range.day + 1) % 7, start: end - DAY, end: range.end - DAY }
      : { ...range, start: end };
    return [...(start > range.start ? [before] : []), ...(range.end > end ? [after] : [])];
  }
  return [range];
}
