// For sites that are built with npm: puts the collector's script on the page and gives its command function. The pixel
// itself always comes from the collector, so that settings and fixes reach the page without a new build.

/** See index.d.ts. */
export function load({ collector, site, consent, page, currency, integrity, path }) {
  if (!window.jt) {
    window.jt = function () {
      (window.jt.q = window.jt.q || []).push(arguments);
    };
    const tag = document.createElement("script");
    const attributes = { site, consent, page, currency };
    for (const name in attributes) if (attributes[name]) tag.dataset[name] = attributes[name];
    if (integrity) {
      tag.integrity = integrity;
      tag.crossOrigin = "anonymous";
    }
    const address = collector.replace(/\/$/, "") + (path || "/p.js?site=" + encodeURIComponent(site));
    const policies = window.trustedTypes;
    const policy = policies && policies.createPolicy("jt", { createScriptURL: (given) => given });
    tag.src = policy ? policy.createScriptURL(address) : address;
    tag.async = true;
    document.head.appendChild(tag);
  }
  return jt;
}

/** Works before and after the script has come, and where it never comes. */
export function jt(...call) {
  if (typeof window != "undefined" && window.jt) window.jt(...call);
}
