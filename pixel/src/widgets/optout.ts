// "Opt-Out Request Honored": says so when the browser sends Global Privacy Control or the visitor has opted out
// (11 CCR 7025(c)(6)). Where the page has elements marked data-jt-optout, it stands there; else a note says it once.

import { guard, on } from "../guard";
import { use } from "../use";
import type { Kit } from "./kit";
import { answerTo } from "./kit/command";
import { signal } from "./kit/consent";
import type { Panel } from "./kit/panel";
import { optout as ar } from "./words/ar";
import { optout as de } from "./words/de";
import { optout as en } from "./words/en";
import { optout as es } from "./words/es";
import { optout as fr } from "./words/fr";
import { optout as hi } from "./words/hi";
import { optout as ru } from "./words/ru";

const SEEN = "o";
const WORDS = { ar, de, en, es, fr, hi, ru }; // so few that a file for each would weigh more

use("optout", (core) => {
  const { make, openPanel, voiceOf } = core.kit as Kit;
  let open: Panel | undefined;
  let told = false; // by the collector, which hears signals that scripts don't see

  const honoured = () => {
    let no = told || signal();
    core.ready(({ consent }) => (no = no || consent.ads === false));
    return no;
  };

  /** Writes the state into the page's own elements; how many there are. */
  const mark = (): number => {
    const { say, language, direction } = voiceOf(core, "optout", WORDS);
    const places = document.querySelectorAll("[data-jt-optout]");
    for (const place of places) {
      place.textContent = honoured() ? say("title") : "";
      place.setAttribute("lang", language);
      place.setAttribute("dir", direction);
    }
    return places.length;
  };

  const note = (calm: boolean) => {
    if (open) return;
    const voice = voiceOf(core, "optout", WORDS);
    open = openPanel(core, voice, { title: voice.say("title"), close: voice.say("close"), calm, closed: () => (open = undefined) });
    open.body.append(make("p", { role: "status" }, voice.say("text")));
  };

  /** At load: only what nobody could know. Who refused in a banner knows it. */
  const start = () => {
    if (mark() || !(told || signal()) || core.storage.get(SEEN)) return;
    core.storage.set(SEEN, "1"); // on the device where that is allowed, else for this page
    note(true);
  };

  // The link "Do not sell or share my personal information".
  answerTo(core, "optout", () => {
    core.command("consent", { ads: false });
    mark();
    note(false);
  });

  const next = core.command;
  core.command = (name, ...args) => {
    next(name, ...args);
    if (name == "consent") guard(mark)();
  };

  core.answers.push(guard((_status, _events, answer) => {
    if (told || answer.headers.get("tracker-optout") != "honored") return;
    told = true;
    start();
  }));

  if (document.readyState == "loading") on(document, "DOMContentLoaded", start, { once: true });
  else start();
});
