// The form that adds a filter: the comparisons and the input that suit the chosen column.
const form = document.querySelector("[data-filter]");

if (form) {
  const { column, operator, value } = form.elements;
  const groups = [...operator.querySelectorAll("optgroup")];
  const values = document.getElementById("filter-values");
  const TYPES = { date: "date", moment: "date", email: "text", phone: "tel", number: "text" };

  const suggest = (names) => values.replaceChildren(...names.map((name) => new Option(name)));

  const suitColumn = () => {
    const { kind } = column.selectedOptions[0].dataset;
    operator.replaceChildren(...groups.filter((group) => group.dataset.kind === kind).flatMap((group) => [...group.cloneNode(true).children]));
    value.type = TYPES[kind] ?? "text";
    value.value = "";
    value.setAttribute("list", values.id);
    suggest(kind === "zone" ? Intl.supportedValuesOf("timeZone") : kind === "boolean" ? ["true", "false"] : []);
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
