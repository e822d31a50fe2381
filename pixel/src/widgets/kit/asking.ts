// A form in a panel that the page waits for, opened by jt("its name").

import type { Core } from "../../types";
import type { Kit } from "../kit";
import { answerTo } from "./command";
import type { Panel } from "./panel";
import { refused } from "./refused";
import type { Voice, Words } from "./voice";

/** What such a widget says before it has asked anything. */
type Said = "title" | "close" | "refused" | "change";

/** `fill` puts the questions into the panel; it is not called where the visitor's choice would lose the answers. */
export function askOnCall<K extends string>(core: Core, name: string, words: Words<K | Said>, fill: (panel: Panel, voice: Voice<K | Said>) => void): void {
  const { openPanel, voiceOf } = core.kit as Kit;
  let open: Panel | undefined;
  answerTo(core, name, () => {
    if (open) return;
    const voice = voiceOf(core, name, words);
    const { say } = voice;
    open = openPanel(core, voice, { title: say("title"), close: say("close"), modal: true, closed: () => (open = undefined) });
    if (!refused(core, open, say("refused"), say("change"))) fill(open, voice);
  });
}
