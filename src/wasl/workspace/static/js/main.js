// The scripts of the workspace. No bundler: the browser loads these modules as they are.

import "./morph.js";
import "./toast.js";
import "./menu.js";
import "./desk.js";
import "./composer.js";
import "./keys.js";
import "./mail.js";
