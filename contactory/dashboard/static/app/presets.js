// A preset of a new send window changes the hours and the channels, and keeps a typed name and holidays.
const form = document.querySelector("[data-week-form]");

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-preset]");
  if (!link || !form) return;
  const { name, holidays, isDefault } = form.elements;
  const target = new URL(link.href);
  // A name that came with the last preset goes with it.
  if (name.value.trim() && name.value !== form.dataset.presetName) target.searchParams.set("name", name.value);
  if (holidays.value.trim()) target.searchParams.set("holidays", holidays.value);
  if (isDefault?.checked) target.searchParams.set("isDefault", "true");
  link.href = target;
  form.toggleAttribute("data-passing", true); // Nothing that was typed is lost, so the page does not ask.
}, true);
