// One visitor over the site's own domains: links to them carry visitor and session, signed and good for two minutes.
// See docs/decisions/pixel-modules.md for who signs and what that is worth.

import { guard, on } from "../guard";
import { use } from "../use";

const NAME = "jt_link";
const GOOD_FOR = 120_000; // ms
const ID = /^[\w-]{8,64}$/;

use("linker", (core) => {
  const { link_domains: domains = [], link_key: key } = core.settings;
  const subtle = crypto.subtle;
  if (!subtle || !key) return;
  const ours = (host: string) => domains.some((domain) => host == domain || host.endsWith("." + domain));
  const secret = subtle.importKey("raw", new TextEncoder().encode(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

  const signed = async (visitor: string, session: string, time: string, host: string): Promise<string> => {
    const said = [visitor, session, time].join(".");
    const mac = await subtle.sign("HMAC", await secret, new TextEncoder().encode(said + "." + host));
    return said + "." + [...new Uint8Array(mac)].map((byte) => (byte + 256).toString(16).slice(1)).join("");
  };

  const arrive = async () => {
    const address = new URL(location.href);
    const given = address.searchParams.get(NAME);
    if (given == null) return;
    // Gone before anybody copies the address, and before the first page view.
    address.searchParams.delete(NAME);
    history.replaceState(history.state, "", address.href);
    core.settings.first = address.href;
    const [visitor = "", session = "", time = ""] = given.split(".");
    const age = Date.now() - parseInt(time, 36);
    if (!ID.test(visitor) || !ID.test(session) || !(Math.abs(age) < GOOD_FOR) || !ours(new URL(document.referrer).hostname)) return;
    if ((await signed(visitor, session, time, location.hostname)) == given)
      core.seed = { v: visitor, s: session, t: Date.now(), f: undefined };
  };

  // Signing takes no time worth mentioning but is asynchronous, and a click doesn't wait: it is done when the pointer
  // comes near or the key goes down.
  const ready = new Map<string, string>();
  const linked = (event: Event) => {
    const element = event.composedPath()[0];
    const target = element instanceof Element && (element.closest("a[href]") as HTMLAnchorElement | null);
    return target && /^http/.test(target.protocol) && target.hostname != location.hostname && ours(target.hostname) ? target : undefined;
  };
  const prepare = (event: Event) => {
    const target = linked(event);
    if (target)
      core.ready((who) => {
        if (who.visitor && who.session)
          signed(who.visitor, who.session, Date.now().toString(36), target.hostname).then((token) => ready.set(target.hostname, token));
      });
  };
  for (const name of ["pointerover", "pointerdown", "touchstart", "keydown", "focusin"]) on(document, name, prepare, { capture: true, passive: true });

  const decorate = (event: Event) => {
    const target = linked(event);
    const token = target && ready.get(target.hostname);
    if (!target || !token) return;
    core.ready((who) => {
      if (!who.visitor || Date.now() - parseInt(token.split(".")[2] as string, 36) > GOOD_FOR / 2) return;
      const before = target.href;
      const address = new URL(before);
      address.searchParams.set(NAME, token);
      target.href = address.href;
      setTimeout(() => (target.href = before)); // the page's own link again, when the browser has taken it
    });
  };
  on(document, "click", decorate, true);
  on(document, "auxclick", decorate, true);

  core.before = guard(arrive)();
});
