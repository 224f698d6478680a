// Scrolls to the first error of a form: on a phone it may be far down.
document.querySelector('form [aria-invalid="true"]')?.focus();
