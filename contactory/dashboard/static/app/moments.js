// Times (<time datetime>) in the user's time zone and format.
const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const long = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export function showMoments(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-shown])")) {
    const moment = new Date(element.dateTime);
    element.textContent = short.format(moment);
    element.title = long.format(moment);
    element.dataset.shown = "";
  }
}

showMoments(document);
document.addEventListener("htmx:load", (event) => showMoments(event.detail.elt));
