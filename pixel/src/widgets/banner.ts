// The consent banner of a site without a consent manager. Before the first choice nothing is written; then one key of
// the local storage holds the choice and its day, no id. It is never sent, and a cookie is never used for it.

import type { Consent } from "../types";
import { guard, on } from "../guard";
import { decode } from "../text";
import { use } from "../use";
import type { Kit } from "./kit";
import { answerTo } from "./kit/command";
import { signal } from "./kit/consent";
import type { Panel } from "./kit/panel";
import { banner as en } from "./words/en";

const DAY = 86_400_000; // ms

/** What only the banner has, behind the frame's own rules. */
const LOOK = `
dialog.wide{inset-inline:16px;margin-inline:auto;width:min(680px,100vw - 32px)}
.quiet{border-color:transparent;text-decoration:underline;padding-inline:8px}
a{color:inherit}`;

interface Kept extends Consent {
  /** day since the epoch */
  at: number;
}

use("banner", (core) => {
  const { make, openPanel, rules, voiceOf } = core.kit as Kit;
  const { banner = {}, site } = core.settings;
  const { ads: asksAds = true, policy, days = 180 } = banner;
  rules.push(LOOK);
  const key = "jt-choice_" + site; // not among the core's keys, which a withdrawal clears
  let open: Panel | undefined;
  let memory: Kept | undefined; // where storage is blocked, the choice serves this page

  const kept = (): Kept | undefined => {
    const found = decode<Kept>(guard(() => localStorage.getItem(key) || "")() || "") || memory;
    return found && Math.floor(Date.now() / DAY) < found.at + days ? found : undefined;
  };
  const keep = (choice: Consent) => {
    memory = { analytics: choice.analytics, ads: choice.ads, at: Math.floor(Date.now() / DAY) };
    guard(() => localStorage.setItem(key, JSON.stringify(memory)))();
  };

  const choose = (analytics: boolean, ads: boolean) => {
    const choice = { analytics, ads: ads && asksAds && !signal() };
    if (open) open.close();
    core.command("consent", choice);
    keep(choice);
  };

  const show = (again: boolean) => {
    const voice = voiceOf(core, "banner", { en });
    const { say } = voice;
    const said: Consent = kept() || {};
    const panel = (open = openPanel(core, voice, {
      title: say("title"),
      close: again ? say("close") : undefined,
      wide: true,
      calm: !again,
      closed: () => (open = undefined),
    }));
    const button = (look: string, text: string, work: () => void) => {
      const made = make("button", { type: "button", class: look }, text);
      on(made, "click", work);
      return made;
    };
    const box = (label: string, checked?: boolean) => {
      const input = make("input", { type: "checkbox", checked });
      return [input, make("label", { class: "line" }, input, label)] as const;
    };

    const asked = asksAds && !signal();
    const [analytics, first] = box(say("analytics"), said.analytics);
    const [ads, second] = box(say("ads"), said.ads);
    const details = make(
      "fieldset",
      { id: "d", hidden: !again, "aria-labelledby": "t" },
      first,
      ...(asked ? [second] : []),
      make("div", { class: "buttons" }, button("", say("save"), () => choose(analytics.checked, ads.checked))),
    );
    const more = button("quiet", say("choose"), () => {
      details.hidden = !details.hidden;
      more.setAttribute("aria-expanded", String(!details.hidden));
    });
    more.setAttribute("aria-controls", "d");
    more.setAttribute("aria-expanded", String(again));

    const text = make("p", {}, say(asked ? "text" : "textonly"), " ");
    if (policy) text.append(make("a", { href: policy }, say("policy")));
    panel.body.append(text);
    if (asksAds && signal()) panel.body.append(make("p", {}, say("gpc")));
    // Yes and no: the same size, the same colours, side by side.
    panel.body.append(
      make("div", { class: "buttons" }, button("go", say("reject"), () => choose(false, false)), button("go", say("accept"), () => choose(true, true)), more),
      details,
    );
  };

  answerTo(core, "banner", () => {
    if (open) open.close();
    show(true);
  });

  // A choice that the page itself reports later must not be undone by what we remember.
  const next = core.command;
  core.command = (name, ...args) => {
    next(name, ...args);
    const before = kept();
    if (name == "consent" && before) keep({ ...before, ...(args[0] as Consent) });
  };

  const choice = kept();
  if (choice) core.consent({ analytics: choice.analytics, ads: choice.ads && !signal() });
  if (!choice || choice.analytics === undefined) show(false);
});
