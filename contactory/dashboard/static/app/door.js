import "./wrong.js";

// Where browsers keep no secure cookie, nobody can sign in: said before one types a password in vain.
if (!window.isSecureContext) document.getElementById("insecure").hidden = false;
