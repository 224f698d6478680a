// Suggestions for time zones from the browser's own list; the server knows all names.
export function offerZones(input) {
  const list = document.createElement("datalist");
  list.id = `${input.id || "cell"}-zones`;
  for (const zone of Intl.supportedValuesOf("timeZone")) list.append(new Option(zone));
  input.after(list);
  input.setAttribute("list", list.id);
}
