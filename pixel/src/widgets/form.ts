// What the widgets with questions share: fields, their look, the form around them. It comes with the first of them.

import { use } from "../use";
import type { Kit } from "./kit";
import { askOnCall } from "./kit/asking";
import { FIELDS } from "./kit/fields";
import { choice, field, form, scale } from "./kit/form";

const FORM = { choice, field, form, scale, askOnCall };

export type Form = typeof FORM;

use("form", (core) => {
  (core.kit as Kit).rules.push(FIELDS);
  core.form = FORM;
});
