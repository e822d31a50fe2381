// What the visitor allows, as far as a widget must know it: the core checks every event behind it.

import type { Core } from "../../types";

/** May events be kept? Before an opt-in site's visitor has agreed they may not, and what a form sends would be lost. */
export function mayKeep(core: Core): boolean {
  let may = false;
  core.ready(({ consent: { analytics } }) => (may = core.settings.optIn ? analytics === true : analytics !== false));
  return may;
}

/** The browser asks not to be sold or shared: no advertisements, whatever is clicked. */
export const signal = (): boolean => (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true;
