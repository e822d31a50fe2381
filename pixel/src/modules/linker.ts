// One visitor over the site's own domains: links and forms to them carry visitor and session, signed and good for two minutes.
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

  /** The attribute that says where this element leads, and the address, when that is another of our domains. */
  const goal = (element: Element) => {
    const link = element.closest("a[href]");
    const form = element.closest("form") || (element as HTMLInputElement).form;
    const name = link ? "href" : element.hasAttribute("formaction") ? "formaction" : "action";
    const holder = link || (name == "action" ? form : element);
    if (!holder) return undefined;
    const address = new URL(holder.getAttribute(name) || "", document.baseURI);
    const { hostname, protocol } = address;
    return /^http/.test(protocol) && hostname != location.hostname && ours(hostname) ? { holder, name, address } : undefined;
  };

  // Signing takes no time worth mentioning but is asynchronous, and a click doesn't wait: it is done when the pointer
  // comes near or the key goes down.
  const ready = new Map<string, string>();
  const prepare = (event: Event) => {
    const element = event.composedPath()[0];
    const to = element instanceof Element && goal(element);
    if (to)
      core.ready((who) => {
        const { hostname } = to.address;
        if (who.visitor && who.session) signed(who.visitor, who.session, Date.now().toString(36), hostname).then((token) => ready.set(hostname, token));
      });
  };
  for (const name of ["pointerover", "pointerdown", "touchstart", "keydown", "focusin"]) on(document, name, prepare, { capture: true, passive: true });

  type Goal = ReturnType<typeof goal>;
  const withToken = (to: Goal, work: (token: string, to: NonNullable<Goal>) => void) => {
    const token = to && ready.get(to.address.hostname);
    if (!to || !token) return;
    core.ready((who) => {
      if (who.visitor && Date.now() - parseInt(token.split(".")[2] as string, 36) < GOOD_FOR / 2) work(token, to);
    });
  };
  const decorate = (token: string, { holder, name, address }: NonNullable<Goal>) => {
    const before = holder.getAttribute(name) as string;
    address.searchParams.set(NAME, token);
    holder.setAttribute(name, address.href);
    setTimeout(() => holder.setAttribute(name, before)); // the page's own again, when the browser has taken it
  };
  const clicked = (event: Event) => {
    const element = event.composedPath()[0];
    const link = element instanceof Element && element.closest("a[href]");
    if (link) withToken(goal(link), decorate);
  };
  on(document, "click", clicked, true);
  on(document, "auxclick", clicked, true);

  // After the page's own listeners: a form that a script sends is none of our business.
  on(window, "submit", (event) => {
    if (event.defaultPrevented) return;
    const form = event.target as HTMLFormElement;
    const button = (event as SubmitEvent).submitter;
    const method = ((button && button.getAttribute("formmethod")) || form.getAttribute("method") || "get").toLowerCase();
    withToken(goal(button && button.hasAttribute("formaction") ? button : form), (token, to) => {
      if (method == "post") decorate(token, to);
      if (method != "get") return;
      // The fields of such a form become the query; nothing is added to the page.
      const add = (event: Event) => (event as FormDataEvent).formData.set(NAME, token);
      form.addEventListener("formdata", add);
      setTimeout(() => form.removeEventListener("formdata", add));
    });
  });

  core.before = guard(arrive)();
});
