// A page that comes back with something wrong begins there: on a phone that may be far down.
document.querySelector('form [aria-invalid="true"]')?.focus();
