// The form that adds a filter: shows the comparisons and the input for the chosen column.
import { offerZones } from "./zones.js";

const form = document.querySelector("[data-filter]");

if (form) {
  const { column, operator, value } = form.elements;
  const groups = [...operator.querySelectorAll("optgroup")];
  const values = document.getElementById("filter-values");
  const plain = value.cloneNode();

  const suggest = (names) => values.replaceChildren(...names.map((name) => new Option(name)));

  const suitColumn = () => {
    const group = groups.find((each) => each.dataset.group === column.selectedOptions[0].dataset.group);
    const { attributes, choices } = JSON.parse(group.dataset.editor);
    operator.replaceChildren(...group.cloneNode(true).children);
    // Those of the column before go.
    for (const name of value.getAttributeNames()) value.removeAttribute(name);
    for (const { name, value: text } of plain.attributes) value.setAttribute(name, text);
    for (const [name, text] of Object.entries(attributes)) value.setAttribute(name, text);
    value.value = "";
    if (!("zone" in value.dataset)) value.setAttribute("list", values.id);
    suggest(choices.map(([each]) => each));
    suitOperator();
  };

  const suitOperator = () => {
    value.hidden = "valueless" in operator.selectedOptions[0].dataset;
    value.disabled = value.hidden;
    value.required = !value.hidden;
  };

  value.addEventListener("input", async () => {
    if (column.value !== "tags" || !value.value.trim()) return;
    const answer = await fetch(`${form.getAttribute("action")}/tags?q=${encodeURIComponent(value.value.trim())}`, {
      headers: { "HX-Request": "true" },
    });
    if (answer.ok) suggest(await answer.json());
  });
  column.addEventListener("change", suitColumn);
  operator.addEventListener("change", suitOperator);
  offerZones(value);
  suitColumn();
}

for (const input of document.querySelectorAll(".chip [data-zone]")) offerZones(input);

// A search changes the address without loading the page: links and forms of the page must keep the search.
document.getElementById("grid")?.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "grid") return; // Further rows.
  const query = new URLSearchParams(location.search);
  const searched = query.get("q") ?? "";
  for (const link of document.querySelectorAll(".chip a")) {
    const target = new URL(link.href);
    target.searchParams.set("q", searched);
    link.href = target;
  }
  for (const back of document.querySelectorAll('input[name="back"]')) back.value = query.toString();
  for (const each of document.querySelectorAll('.tools form[method="get"], .chip form')) {
    const carried =
      each.elements.q ?? each.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name: "q" }));
    carried.value = searched;
  }
});
