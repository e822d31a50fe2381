// GA4's e-commerce names, each a command of its own: jt("purchase", {transaction_id, currency, items: [...]}).

import type { Json, NativeEvent } from "./types";

/** Two of GA4's names are one word; the others are recognised by their underscore, sign_up and generate_lead too. */
export const COMMERCE = /^([a-z]+_\w+|purchase|refund)$/;

/**
 * Lifts items, value and currency out of the properties into the event's own fields. A helper (not a plain track)
 * that names no value gets the sum of price x quantity, rounded to cents, as GA4's documentation asks for.
 */
export function lift(props: Json, helper?: boolean, currency?: string): Partial<NativeEvent> {
  const { items, value, currency: own, ...rest } = props;
  const list: Json[] | undefined = Array.isArray(items) ? items : undefined;
  let amount = parseFloat(value as string);
  if (helper && value == null && list && list[0]) {
    const total = list.reduce((sum, { price, quantity }) => sum + ((price as number) * (quantity == null ? 1 : (quantity as number)) || 0), 0);
    amount = Math.round(total * 100) / 100;
  }
  return {
    props: rest,
    items: list,
    value: isFinite(amount) ? amount : undefined,
    currency: (own as string) || (isFinite(amount) || list ? currency : undefined),
  };
}
