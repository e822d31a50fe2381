// The call-back request: a number, and a time that suits.

import { phone as canonical } from "../contact";
import { use } from "../use";
import type { Form } from "./form";
import type { Kit } from "./kit";
import { slotsOf } from "./kit/slots";
import { callback as en } from "./words/en";

use("callback", (core) => {
  const { make } = core.kit as Kit;
  const { field, form, askOnCall } = core.form as Form;

  askOnCall(core, "callback", { en }, (panel, { say, language }) => {
    const { callback = {}, calling_code: code } = core.settings;
    const { timezone = "UTC" } = callback;
    const number = make("input", { type: "tel", autocomplete: "tel", maxlength: 32, required: true, dir: "ltr" });
    const time = make("select", {}, make("option", { value: "soon" }, say("soon")));
    // How dates are written is the browser's business where it speaks the widget's language: en-GB, not en.
    const locales = [...navigator.languages.filter((one) => one.split("-")[0] == language), language];
    for (const [day, slots] of slotsOf(callback, locales, Date.now())) {
      const group = make("optgroup", { label: day });
      for (const [value, label] of slots) group.append(make("option", { value }, label));
      time.append(group);
    }
    const zone = time.options.length > 1 ? say("zone").replace("{zone}", timezone.replace(/_/g, " ")) : "";

    panel.body.append(
      form(say("send"), [field(say("phone"), number, code ? "" : say("abroad")), field(say("time"), time, zone)], () => {
        const phone = canonical(number.value, code);
        if (!phone || /[^\d\s+().\/-]/.test(number.value)) return [say("wrong"), number];
        const [date, slot] = time.value.split(" ");
        // A number is a trait: the collector turns it into the vault's forms and keeps none of it in the event.
        const props = slot ? { date, slot, timezone } : { slot: "soon" };
        core.emit("track", { props, traits: { phone } }, "callback_requested");
        panel.end(say("thanks"));
        return undefined;
      }),
    );
  });
});
