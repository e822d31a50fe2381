// The language of a widget and its texts: the site's own words first.

import type { Core } from "../../types";
import { languageOf } from "./language";
import type { Text } from "./settings";

/** language -> key -> text, as far as a widget brings them along; English always, and with every key. */
export type Words<K extends string> = Record<string, Record<K, string>>;

export interface Voice<K extends string> {
  language: string;
  direction: "ltr" | "rtl";
  say(key: K): string;
  /** one of the site's texts */
  pick(text: Text): string;
}

const FROM_THE_RIGHT = /^(ar|fa|he|ur|ps|yi)$/;

/** The language that is wanted, and English when we have no words in it. */
export function voiceOf<K extends string>(core: Core, widget: string, words: Words<K>): Voice<K> {
  const { texts = {} } = core.settings;
  const named = languageOf(core);
  const found = words[named] || ((core.words || {})[named] || {})[widget];
  const language = found || texts[named] ? named : "en";
  const own = { ...texts["*"], ...texts[language] };
  const ours = { ...words.en, ...found } as Record<K, string>;
  return {
    language,
    direction: FROM_THE_RIGHT.test(language) ? "rtl" : "ltr",
    say: (key) => own[widget + "." + key] || ours[key],
    pick: (text) => (typeof text == "string" ? text : text[language] || text.en || (Object.values(text)[0] as string)),
  };
}
