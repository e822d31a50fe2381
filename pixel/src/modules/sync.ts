// ID matching: partners' images, after the page has loaded and the browser has nothing else to do, at most once a partner
// and week, and only where ads are allowed - under TCF for purposes 1, 3 and 4 and that partner's vendor number.

import type { Consent, Partner } from "../types";
import { guard } from "../guard";
import { use } from "../use";

const WEEK = 7 * 86_400_000;
const KEY = "m";

interface TcData {
  gdprApplies?: boolean;
  tcString: string;
  purpose: { consents: Record<number, boolean> };
  vendor: { consents: Record<number, boolean> };
}

type Tcf = (command: string, version: number, callback: (data: TcData, success: boolean) => void) => void;

use("sync", (core) => {
  const { partners = [], optIn } = core.settings;

  const match = (visitor: string, consent: Consent, allowed: (partner: Partner) => boolean, tc?: TcData) => {
    let done: Record<string, number> = {};
    try {
      done = JSON.parse(core.storage.get(KEY) as string) || {};
    } catch {
      // somebody else's text: as if never matched
    }
    for (const partner of partners) {
      if (!allowed(partner) || Date.now() - (done[partner.name] || 0) < WEEK) continue;
      done[partner.name] = Date.now();
      core.storage.set(KEY, JSON.stringify(done)); // before the image: a slow partner is not asked twice
      const values: Record<string, string | undefined> = {
        visitor,
        gdpr: tc && tc.gdprApplies ? "1" : "0",
        gdpr_consent: tc && tc.tcString,
        gpp: consent.gpp,
      };
      const image = new Image();
      image.referrerPolicy = "no-referrer";
      image.src = partner.url.replace(/\{(\w+)\}/g, (_all, name) => encodeURIComponent(values[name] || ""));
    }
  };

  const look = guard(() =>
    core.ready(({ visitor, consent }) => {
      if (!visitor || !(consent.ads === true || (!optIn && consent.ads === undefined))) return;
      const tcf = (window as { __tcfapi?: Tcf }).__tcfapi;
      if (!tcf) return match(visitor, consent, () => true);
      tcf("getTCData", 2, guard((tc: TcData, success: boolean) => {
        if (!success) return;
        const { purpose, vendor } = tc;
        const free = tc.gdprApplies === false || [1, 3, 4].every((one) => purpose.consents[one] === true);
        match(visitor, consent, ({ vendor: id }) => free && (tc.gdprApplies === false || (!!id && vendor.consents[id] === true)), tc);
      }));
    }),
  );

  const idle = (window as { requestIdleCallback?: (work: () => void, options: object) => void }).requestIdleCallback;
  const soon = () => (idle ? idle(look, { timeout: 5_000 }) : setTimeout(look, 1_000));
  if (document.readyState == "complete") soon();
  else addEventListener("load", soon);
  core.hooks.push((draft) => draft.type == "consent" && soon()); // allowed later, on the same page
});
