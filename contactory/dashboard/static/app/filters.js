// The form that adds a filter: the comparisons and the input that suit the chosen column.
const form = document.querySelector("[data-filter]");

if (form) {
  const { column, operator, value } = form.elements;
  const groups = [...operator.querySelectorAll("optgroup")];
  const values = document.getElementById("filter-values");
  let given = []; // The attributes that the input has for the present column.

  const suggest = (names) => values.replaceChildren(...names.map((name) => new Option(name)));

  const suitColumn = () => {
    const group = groups.find((each) => each.dataset.group === column.selectedOptions[0].dataset.group);
    const { attributes, choices } = JSON.parse(group.dataset.editor);
    operator.replaceChildren(...group.cloneNode(true).children);
    for (const name of given) value.removeAttribute(name);
    given = Object.keys(attributes);
    for (const name of given) value.setAttribute(name, attributes[name]);
    value.value = "";
    value.setAttribute("list", values.id);
    suggest("zone" in value.dataset ? Intl.supportedValuesOf("timeZone") : choices.map(([each]) => each));
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
  suitColumn();
}

// A search changes the address without loading the page: what leads on from here has to keep what is searched.
document.getElementById("grid")?.addEventListener("htmx:afterSwap", () => {
  const query = new URLSearchParams(location.search);
  const searched = query.get("q") ?? "";
  for (const link of document.querySelectorAll(".chip a")) {
    const target = new URL(link.href);
    target.searchParams.set("q", searched);
    link.href = target;
  }
  for (const back of document.querySelectorAll('input[name="back"]')) back.value = query.toString();
  if (!form) return;
  const carried =
    form.elements.q ?? form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name: "q" }));
  carried.value = searched;
});
