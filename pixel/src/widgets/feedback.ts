// The feedback form: topic, message, and if the site wants it a rating and an address for an answer.

import type { Json } from "../types";
import { email as canonical } from "../contact";
import { use } from "../use";
import type { Form } from "./form";
import type { Kit } from "./kit";
import { feedback as en } from "./words/en";

const LONGEST = 2000; // characters of a message

use("feedback", (core) => {
  const { make } = core.kit as Kit;
  const { choice, field, form, scale, askOnCall } = core.form as Form;

  askOnCall(core, "feedback", { en }, (panel, { say, pick }) => {
    const { topics, rating, email } = core.settings.feedback || {};
    const named = topics
      ? topics.map((topic): [string, string] => [topic.id, pick(topic.text)])
      : (["idea", "problem", "praise", "other"] as const).map((id): [string, string] => [id, say(id)]);
    const topic = choice(say("topic"), named);
    const text = make("textarea", { maxlength: LONGEST, rows: 4, required: true });
    const stars = scale(say("rating"), 1, 5, say("low"), say("high"));
    const address = make("input", { type: "email", autocomplete: "email", maxlength: 254 });
    const fields: HTMLElement[] = [topic.box, field(say("text"), text)];
    if (rating) fields.push(stars.box);
    if (email) fields.push(field(say("email"), address, say("why")));

    panel.body.append(
      form(say("send"), fields, () => {
        const message = text.value.trim().slice(0, LONGEST);
        const to = address.value.trim();
        if (!message) return [say("missing"), text];
        if (to && !canonical(to)) return [say("wrong"), address];
        const props: Json = { topic: topic.chosen()[0], text: message };
        if (stars.chosen().length) props.rating = Number(stars.chosen()[0]);
        // An address is a trait: the collector turns it into the vault's forms and keeps none of it in the event.
        core.emit("track", to ? { props, traits: { email: canonical(to) } } : { props }, "feedback_sent");
        panel.end(say("thanks"));
        return undefined;
      }),
    );
  });
});
