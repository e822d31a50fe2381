// When a survey comes by itself. Loaded like every module once the visitor's choice allows events, so nothing is
// counted, drawn or remembered before.

import { guard } from "../guard";
import { use } from "../use";
import { mayKeep } from "./kit/consent";
import type { Survey } from "./kit/settings";

const DAY = 86_400_000; // ms

/** 0 to 1, the same for the same text: who is in the sample stays in it on every page. FNV-1a, 32 bits. */
function drawn(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 15;
  return (Math.imul(hash, 0x2c1b3c6d) >>> 0) / 2 ** 32;
}

use("when", (core) => {
  let busy = false; // one on a page

  const show = (survey: Survey) => {
    const { id, share = 1, days = 90 } = survey;
    const last = Number(core.storage.get("q" + id)) || 0;
    if (busy || !mayKeep(core) || Date.now() < last + days * DAY) return;
    core.ready(({ visitor }) => {
      if (share < 1 && !(visitor && drawn(visitor + id) < share)) return;
      busy = true;
      core.command("survey", id, true);
    });
  };

  for (const survey of core.settings.surveys || []) {
    const { on: name, after } = survey;
    const soon = () => setTimeout(guard(() => show(survey)), (after || 0) * 1000);
    if (name) core.hooks.push((draft) => void (draft.name == name && soon()));
    else if (after !== undefined) soon();
  }
});
