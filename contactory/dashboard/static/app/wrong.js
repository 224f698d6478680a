// Goes to the first error of a form: on a phone it may be far down. The input of a group is the first one in it.
const wrong = document.querySelector('form :is([aria-invalid="true"], [data-wrong])');
(wrong?.matches("[data-wrong]") ? wrong.querySelector("input:not([type=hidden]), select") : wrong)?.focus();
