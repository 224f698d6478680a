// Switches between light and dark without a reload.
const form = document.querySelector("[data-themes]");

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = event.submitter.value;
  document.documentElement.dataset.theme = chosen;
  document.querySelector('meta[name="color-scheme"]').content = chosen === "auto" ? "light dark" : chosen;
  document.cookie = `contactory-theme=${chosen}; Path=/; Max-Age=31536000; SameSite=Lax`;
  for (const button of form.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === chosen));
  }
});
