import "./moments.js";
import "./wrong.js";

// If the browser does not store secure cookies, sign-in is not possible: say so before a password is typed.
if (!window.isSecureContext) document.getElementById("insecure").hidden = false;
