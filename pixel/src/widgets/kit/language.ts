// The language of a widget: the site's, else the page's, else the browser's.

import type { Core } from "../../types";
import "./settings";

/** Its two or three letters; "" when nobody says. */
export function languageOf({ settings: { language } }: Core): string {
  return (language || document.documentElement.lang || navigator.language || "").toLowerCase().split(/[-_]/)[0] as string;
}
