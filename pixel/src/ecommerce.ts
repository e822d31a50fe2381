// GA4's e-commerce names, each a command of its own: jt("purchase", {transaction_id, currency, items: [...]}).

import type { Json, NativeEvent } from "./types";

export const COMMERCE =
  /^(view_item_list|select_item|view_item|add_to_wishlist|add_to_cart|remove_from_cart|view_cart|begin_checkout|add_shipping_info|add_payment_info|purchase|refund|view_promotion|select_promotion)$/;

/**
 * Lifts items, value and currency out of the properties into the event's own fields. A helper (not a plain track)
 * that names no value gets the sum of price x quantity, rounded to cents, as GA4's documentation asks for.
 */
export function lift(props: Json, helper: boolean, currency?: string): Partial<NativeEvent> {
  const { items, value, currency: own, ...rest } = props;
  let total = value;
  if (helper && total === undefined && Array.isArray(items) && items.length) {
    total = items.reduce((sum, item) => sum + (+item.price || 0) * (item.quantity === undefined ? 1 : +item.quantity || 0), 0);
    total = Math.round((total as number) * 100) / 100;
  }
  const amount = total === null || total === "" ? NaN : Number(total);
  return {
    props: rest,
    items: Array.isArray(items) ? items : undefined,
    value: isFinite(amount) ? amount : undefined,
    currency: (own as string) || (isFinite(amount) || items ? currency : undefined),
  };
}
