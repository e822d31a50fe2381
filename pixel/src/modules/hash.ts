// E-mail addresses and phone numbers leave this browser only as SHA-256: normalised as tracker/core/identifiers.py
// normalises them (forms e1 and p1). What can't be normalised or hashed is not sent at all.

import type { Json } from "../types";
import { email, phone } from "../contact";
import { use } from "../use";

const EMAIL_KEY = /^(email|mail|emailaddress|customeremail|useremail|billingemail|contactemail|emailid)$/;
const PHONE_KEY = /^(phone|phonenumber|mobile|mobilephone|mobilenumber|tel|telephone|customerphone|userphone|billingphone|msisdn)$/;
const HASHED = /^\s*[0-9a-f]{64}\s*$/i;

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
