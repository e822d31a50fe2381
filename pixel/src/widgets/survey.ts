// One survey: recommendation (0 to 10), satisfaction (1 to 5), or the site's own questions.

import type { Json } from "../types";
import { use } from "../use";
import type { Form } from "./form";
import type { Kit } from "./kit";
import { answerTo } from "./kit/command";
import { mayKeep } from "./kit/consent";
import type { Panel } from "./kit/panel";
import type { Question, Survey } from "./kit/settings";
import { survey as en } from "./words/en";

const LONGEST = 1000; // characters of a free text

/** A question on the page: its element, and what it adds to the event. */
type Asked = [HTMLElement, () => unknown];

use("survey", (core) => {
  const { make, openPanel, voiceOf } = core.kit as Kit;
  const { choice, field, form, scale } = core.form as Form;
  let open: Panel | undefined;

  const show = (survey: Survey, calm: boolean) => {
    const voice = voiceOf(core, "survey", { en });
    const { say, pick } = voice;
    const { id, kind, question } = survey;
    const whose: Json = { survey: id, kind };
    const asked: Record<string, Asked> = {};

    const text = (label: string): Asked => {
      const area = make("textarea", { maxlength: LONGEST, rows: 3 });
      return [field(label, area), () => area.value.trim().slice(0, LONGEST)];
    };
    const numbers = (...how: Parameters<Form["scale"]>): Asked => {
      const { box, chosen } = scale(...how);
      return [box, () => (chosen().length ? Number(chosen()[0]) : "")];
    };
    const ask = ({ type, text: label, options = [], many, least = 1, most = 5 }: Question): Asked => {
      if (type == "text") return text(pick(label));
      if (type == "scale") return numbers(pick(label), least, most);
      const { box, chosen } = choice(pick(label), options.map((one) => [one.id, pick(one.text)]), many);
      return [box, () => (many ? chosen() : chosen()[0] || "")];
    };

    if (kind == "custom") for (const one of survey.questions || []) asked["answer_" + one.id] = ask(one);
    else {
      const [least, most] = kind == "nps" ? [0, 10] : [1, 5];
      const label = question ? pick(question) : say(kind);
      asked.score = numbers(label, least as number, most as number, say(kind == "nps" ? "npslow" : "csatlow"), say(kind == "nps" ? "npshigh" : "csathigh"));
      ((asked.score[0] as HTMLFieldSetElement).firstChild as HTMLElement).hidden = true; // the panel's title says it
      asked.score[0].setAttribute("aria-labelledby", "t");
      if (survey.comment !== false) asked.comment = text(say("comment"));
    }

    const answers = (): Json => {
      const found: Json = {};
      for (const [name, [, read]] of Object.entries(asked)) {
        const value = read() as string | number | string[];
        if (value !== "" && !(Array.isArray(value) && !value.length)) found[name] = value;
      }
      return found;
    };

    let done = false;
    const panel = (open = openPanel(core, voice, {
      title: question ? pick(question) : kind == "custom" ? "" : say(kind),
      close: say("close"),
      calm,
      closed() {
        open = undefined;
        if (done) return;
        const found = answers();
        if (Object.keys(found).length) core.track("survey_answered", { ...whose, ...found, dismissed: true });
        else core.track("survey_dismissed", whose);
      },
    }));
    panel.body.append(
      form(say("send"), Object.values(asked).map(([box]) => box), () => {
        const found = answers();
        if (kind == "custom" ? !Object.keys(found).length : found.score === undefined) return [say("missing")];
        core.track("survey_answered", { ...whose, ...found });
        done = true;
        panel.end(say("thanks"));
        return undefined;
      }),
    );
    core.storage.set("q" + id, String(Date.now()));
    core.track("survey_shown", whose);
  };

  answerTo(core, "survey", (id, calm) => {
    const surveys = core.settings.surveys || [];
    const survey = id === undefined ? surveys[0] : surveys.find((one) => one.id == id);
    // What is answered must be kept, and that it was asked is remembered: neither before the visitor allows it.
    if (survey && !open && mayKeep(core)) show(survey, calm === true);
  });
});
