// How a language's file hands over its texts. The file is named after what it is for, and the language.

import { use } from "../../use";
import "./settings";

/** `name` like "words-de"; `texts`: widget -> key -> text. */
export function speak(name: string, texts: Record<string, Record<string, string>>): void {
  use(name, (core) => {
    const language = name.slice(-2);
    const words = (core.words = core.words || {});
    words[language] = { ...words[language], ...texts };
  });
}
