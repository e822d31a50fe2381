// What every widget needs, once a page: the frame, the look, the language. It travels with the core where a banner or an
// opt-out note needs it, else it comes with the first widget that somebody opens.

import { use } from "../use";
import { make } from "./kit/dom";
import { rules } from "./kit/look";
import { openPanel } from "./kit/panel";
import { voiceOf } from "./kit/voice";

const KIT = { make, openPanel, rules, voiceOf };

export type Kit = typeof KIT;

use("kit", (core) => {
  core.kit = KIT;
});
