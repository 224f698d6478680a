// The page of all contacts.
import "./grid.js";
import "./cells.js";
import "./filters.js";
import "./layout.js";
import "./many.js";
import "./bulk.js";
