// E-mail addresses and phone numbers leave this browser only as SHA-256: normalised as tracker/core/identifiers.py
// normalises them (forms e1 and p1). What can't be normalised or hashed is not sent at all.

import type { Json } from "../types";
import { use } from "../use";

const EMAIL_KEY = /^(email|mail|emailaddress|customeremail|useremail|billingemail|contactemail|emailid)$/;
const PHONE_KEY = /^(phone|phonenumber|mobile|mobilephone|mobilenumber|tel|telephone|customerphone|userphone|billingphone|msisdn)$/;
const HASHED = /^\s*[0-9a-f]{64}\s*$/i;
const EMAIL = /^[^\s@]{1,64}@[^\s@]+\.[^\s@.]{2,}$/;

export function email(text: string): string | undefined {
  const plain = text.trim().toLowerCase();
  const tight = plain.replace(/\s+/g, "");
  return EMAIL.test(plain) ? plain : EMAIL.test(tight) ? tight : undefined;
}

/** E.164; a national number needs the site's own calling code. */
export function phone(text: string, code?: string): string | undefined {
  let digits = text.replace(/\D/g, "");
  const whole = text.trim();
  if (/^00/.test(whole)) digits = digits.slice(2);
  else if (whole[0] != "+") {
    if (!code) return undefined;
    digits = code + digits.replace(/^0/, "");
  }
  // +49 (0)30 …: the trunk zero is not dialled from abroad
  digits = whole[0] == "+" ? digits.replace(/^(\d{1,3})0(?=\d)/, (all, lead) => (/\(0\)/.test(whole) ? lead : all)) : digits;
  return digits.length > 6 && digits.length < 16 ? "+" + digits : undefined;
}

use("hash", (core) => {
  const sha = async (text: string) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return [...new Uint8Array(digest)].map((byte) => (byte + 256).toString(16).slice(1)).join("");
  };

  /** Takes contact details out of `fields`; what was found, normalised. */
  const take = (fields: Json | undefined): Record<string, string> => {
    const found: Record<string, string> = {};
    for (const key of Object.keys(fields || {})) {
      const bare = key.toLowerCase().replace(/[^a-z0-9]/g, "");
      const kind = EMAIL_KEY.test(bare) ? "email" : PHONE_KEY.test(bare) ? "phone" : "";
      const value = (fields as Json)[key];
      if (!kind || HASHED.test(String(value))) continue;
      delete (fields as Json)[key];
      const plain = kind == "email" ? email(String(value)) : phone(String(value), core.settings.calling_code);
      if (plain) found[kind] = plain;
    }
    return found;
  };

  core.hooks.push((draft) => {
    draft.props = draft.props && { ...draft.props }; // the page keeps its own object
    draft.traits = draft.traits && { ...draft.traits };
    const found = { ...take(draft.props), ...take(draft.traits) };
    if (!Object.keys(found).length || !crypto.subtle) return;
    Promise.all(Object.entries(found).map(async ([kind, plain]) => [kind, await sha(plain)]))
      .then((hashed) => core.identify(undefined, hashed.reduce((all, [kind, hash]) => ({ ...all, [kind as string]: hash }), {})))
      .catch(() => undefined);
  });
});
