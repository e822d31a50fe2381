// What all widgets share, once a page: the frame, the look, the fields, the language. It travels with the core where a
// banner or an opt-out note needs it, else with the first widget that somebody opens.

import { use } from "../use";
import { askOnCall } from "./kit/asking";
import { make } from "./kit/dom";
import { choice, field, form, scale } from "./kit/form";
import { openPanel } from "./kit/panel";
import { voiceOf } from "./kit/voice";

const KIT = { make, choice, field, form, scale, openPanel, askOnCall, voiceOf };

export type Kit = typeof KIT;

use("kit", (core) => {
  core.kit = KIT;
});
