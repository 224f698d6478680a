// The modules of every page of the dashboard. Each does one thing, and pages work without them.
import "./theme.js";
import "./menus.js";
import "./moments.js";
import "./more.js";
import "./requests.js";
import "./forms.js";
import "./undo.js";
import "./shortcuts.js";
import "./wrong.js";
