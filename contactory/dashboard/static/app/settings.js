// The settings: workspace, custom fields, tags.
import "./notices.js";
import "./counts.js";
import "./order.js";
import "./dialogs.js";
import { offerZones } from "./zones.js";

for (const input of document.querySelectorAll("[data-zone]")) offerZones(input);
