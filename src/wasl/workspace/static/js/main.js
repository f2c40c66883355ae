// The scripts of the workspace. No bundler: the browser loads these modules as they are.

import "./morph.js";
import "./toast.js";
import "./menu.js";
import "./desk.js";
import "./choose.js";
import "./composer.js";
import "./ways.js";
import "./pick.js";
import "./presence.js";
import "./undo.js";
import "./keys.js";
import "./keep.js";
import "./search.js";
import "./mail.js";
import "./push.js";
import "./calls.js";
import "./view/open.js";

// Where one is, also where the places are more than the rail has room for.
document.querySelector(".rail .scroll [aria-current]")?.scrollIntoView({ block: "nearest" });
