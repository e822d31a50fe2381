// Campaign tags and click ids of an address. Click ids name a person to an ad network: they are kept only where ads are
// allowed, and go when that ends.

import type { Touch } from "./types";

const TAG = /^utm_/i;
/** gclid dclid fbclid ttclid twclid yclid msclkid irclickid gbraid wbraid li_fat_id epik ScCid rdt_cid and the like. */
const CLICK_ID = /cl(ic)?k?id$|[gw]braid$|^(li_fat_id|epik|sccid|rdt_cid)$/i;

export function touchOf(address: string): Touch | undefined {
  let touch: Touch | undefined;
  for (const [name, value] of new URL(address).searchParams) if (TAG.test(name) || CLICK_ID.test(name)) (touch = touch || {})[name] = value;
  return touch;
}

/** The same address without click ids. */
export function cleaned(address: string): string {
  const url = new URL(address);
  for (const [name] of [...url.searchParams]) if (CLICK_ID.test(name)) url.searchParams.delete(name);
  return url.href;
}

export function withoutClickIds(touch: Touch | undefined): void {
  for (const name in touch) if (CLICK_ID.test(name)) delete touch[name];
}
