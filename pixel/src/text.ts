// JSON that every store can hold.

import { guard } from "./guard";

/** Longer texts harm the page and the store and tell nobody anything. */
const LONGEST = 4096;

/** Half of a surrogate pair, as JSON.stringify writes it; an escaped backslash is matched only to be passed over. */
const LONE = /\\(?:\\|ud[89a-f][0-9a-f]{2})/gi;

/** What JSON says; undefined for text that is none. */
export const decode = guard((text?: string) => JSON.parse(text as string)) as <T>(text?: string) => T | undefined;

/** Like JSON.stringify, with long texts cut, lone surrogates replaced and bigints as text. May throw on circular input. */
export function encode(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    typeof part == "string" ? part.slice(0, LONGEST) : typeof part == "bigint" ? String(part) : part,
  ).replace(LONE, (hit) => (hit.length > 2 ? "\ufffd" : hit));
}
