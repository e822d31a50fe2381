// The language of a widget and its texts: the site's own words first.

import type { Core } from "../../types";
import type { Text } from "./settings";

/** language -> key -> text; English has every key. */
export type Words<K extends string> = Record<string, Record<K, string>>;

export interface Voice<K extends string> {
  language: string;
  direction: "ltr" | "rtl";
  say(key: K): string;
  /** one of the site's texts */
  pick(text: Text): string;
}

const FROM_THE_RIGHT = /^(ar|fa|he|ur|ps|yi)$/;

/** The site's language, else the page's, else the browser's; English when we have no words in it. */
export function voiceOf<K extends string>(core: Core, widget: string, words: Words<K>): Voice<K> {
  const { language: wanted, texts = {} } = core.settings;
  const named = (wanted || document.documentElement.lang || navigator.language || "").toLowerCase().split(/[-_]/)[0] as string;
  const language = words[named] || texts[named] ? named : "en";
  const own = { ...texts["*"], ...texts[language] };
  const ours = { ...words.en, ...words[language] } as Record<K, string>;
  return {
    language,
    direction: FROM_THE_RIGHT.test(language) ? "rtl" : "ltr",
    say: (key) => own[widget + "." + key] || ours[key],
    pick: (text) => (typeof text == "string" ? text : text[language] || text.en || (Object.values(text)[0] as string)),
  };
}
