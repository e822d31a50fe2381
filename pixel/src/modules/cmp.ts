// Asks the page's consent manager: IAB TCF, IAB GPP, Google Consent Mode. Which ones is a setting of the site. Nobody's
// answer is guessed: until a manager says that the visitor has chosen, nothing is said.

import type { Consent } from "../types";
import { guard } from "../guard";
import { eachPushed } from "../pushed";
import { use } from "../use";

type Api = (command: string, version: number | ((data: never, success: boolean) => void), callback?: (data: never, success: boolean) => void) => void;

interface TcData {
  eventStatus: string;
  gdprApplies?: boolean;
  tcString: string;
  purpose: { consents: Record<number, boolean> };
  vendor: { consents: Record<number, boolean> };
}

interface GppData {
  eventName: string;
  data: unknown;
  pingData?: GppPing;
}

interface GppPing {
  gppString: string;
  signalStatus?: string;
  parsedSections: Record<string, unknown>;
}

const LOOK_EVERY = 100; // ms: managers load asynchronously too
const LOOK_FOR = 100; // times

use("cmp", (core) => {
  const { cmp = [], vendor } = core.settings;
  const page = window as unknown as { __tcfapi?: Api; __gpp?: Api };
  const said = guard((choice: Consent) => core.consent(choice));

  const whenThere = (name: "__tcfapi" | "__gpp", work: (api: Api) => void) => {
    let looks = LOOK_FOR;
    const look = guard(() => {
      const api = page[name];
      if (api) work(api);
      else if (looks--) setTimeout(look, LOOK_EVERY);
    });
    look();
  };

  if (cmp.includes("tcf"))
    whenThere("__tcfapi", (api) =>
      api("addEventListener", 2, guard((data: TcData, success: boolean) => {
        if (!success || !/^(tcloaded|useractioncomplete)$/.test(data.eventStatus)) return;
        if (data.gdprApplies === false) return said({ analytics: true });
        const yes = (...purposes: number[]) => purposes.every((purpose) => data.purpose.consents[purpose] === true);
        const known = vendor === undefined || data.vendor.consents[vendor] === true;
        return said({ analytics: yes(1) && known, ads: yes(1, 3, 4) && known, tcf: data.tcString });
      })),
    );

  if (cmp.includes("gpp"))
    whenThere("__gpp", (api) => {
      const read = (ping: GppPing) => {
        // A section may be given as [core, sub-sections...].
        const sections = ([] as unknown[]).concat(...Object.values(ping.parsedSections as Record<string, never>)) as Record<string, unknown>[];
        let no = false;
        for (const section of sections)
          for (const what of ["Sale", "Sharing", "TargetedAdvertising"]) {
            const choice = section[what + "OptOut"];
            // 1: opted out; 0: not applicable, which is true only where nobody had to be told
            no = no || section.Gpc === true || choice === 1 || (choice === 0 && section[what + "OptOutNotice"] === 2);
          }
        said(no ? { ads: false, gpp: ping.gppString } : { gpp: ping.gppString });
      };
      api("addEventListener", guard((event: GppData) => {
        const ready = event.eventName == "signalStatus" ? event.data == "ready" : event.eventName == "sectionChange";
        if (ready || (event.pingData && event.pingData.signalStatus == "ready" && event.eventName == "listenerRegistered"))
          api("ping", guard(read) as never);
      }) as never);
    });

  if (cmp.includes("gcm")) {
    // gtag("consent", "default" | "update", {analytics_storage: "granted", ...}); only an update is a choice.
    const state: Record<string, string> = {};
    eachPushed("dataLayer", (entry) => {
      const [command, kind, given] = [...(entry as ArrayLike<unknown> & Iterable<unknown>)] as [string, string, Record<string, string>];
      if (command != "consent" || given.region) return;
      Object.assign(state, given);
      if (kind != "update") return;
      const granted = (...names: string[]) => names.every((name) => state[name] == "granted");
      said({ analytics: granted("analytics_storage"), ads: granted("ad_storage", "ad_user_data", "ad_personalization") });
    });
  }
});
