// What every page of the dashboard needs. Each module does one thing, and nothing without which a page fails.
import "./theme.js";
import "./menus.js";
import "./moments.js";
import "./requests.js";
import "./shortcuts.js";
import "./wrong.js";
