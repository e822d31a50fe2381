// A shop with GA4 has said it all already: this reads the e-commerce pushes of gtag.js and Google Tag Manager.

import type { Json } from "../types";
import { eachPushed } from "../pushed";
import { use } from "../use";

const NAMES =
  /^(view_item_list|select_item|view_item|add_to_wishlist|add_to_cart|remove_from_cart|view_cart|begin_checkout|add_shipping_info|add_payment_info|purchase|refund|view_promotion|select_promotion)$/;

use("datalayer", (core) => {
  eachPushed(core.settings.datalayer as string, (entry) => {
    const pushed = entry as Json & ArrayLike<unknown>;
    // gtag("event", name, {...}) pushes its arguments, Tag Manager {event: name, ecommerce: {...}}.
    const gtag = pushed[0] == "event";
    const event = String(gtag ? pushed[1] : pushed.event);
    const params = (gtag ? pushed[2] : pushed.ecommerce) as Json | undefined;
    if (NAMES.test(event) && (gtag || params)) core.command(event, params || {});
  });
});
