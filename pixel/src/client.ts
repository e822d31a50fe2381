// The commands, and the one road that every event takes: allowed? -> numbered -> queued -> sent.

import type { Consent, Core, Draft, Json, Module, NativeEvent, Settings, State } from "./types";
import { remember, remembered, spoken } from "./consent";
import { pageContext, viewProps } from "./context";
import { COMMERCE, lift } from "./ecommerce";
import { load, save, STATE, step, stranger } from "./identity";
import { loadModules } from "./modules";
import { watchPages } from "./pages";
import { makeQueue } from "./queue";
import { makeStorage } from "./storage";
import { cleaned, touchOf } from "./touch";
import { transport } from "./transport";
import { uuid } from "./uuid";

/** Events that may wait in memory for the visitor's answer. */
const MOST_HELD = 100;

const text = (id: unknown) => (id ? String(id) : undefined);

/** Id and time are given once, here, however often it is sent. */
const born = (type: Draft["type"], name: unknown = type): Draft => ({ id: uuid(), type, name: String(name), ts: Date.now() });

export interface Client extends Core {
  start(): void;
  /** The page goes. */
  leave(): void;
}

export function makeClient(settings: Settings): Client {
  const { optIn } = settings;
  const storage = makeStorage("jt_" + settings.site + "_");
  const queue = makeQueue(storage);
  const answers: Core["answers"] = [];
  const { wake, leave } = transport(settings, storage, queue, answers);
  const used: Record<string, Core> = {};
  let said = settings.said || {};
  let held: Draft[] = [];

  const open = () => (optIn ? said.analytics === true : said.analytics !== false);

  /** What an earlier page left behind, and the modules. */
  const begin = () => {
    wake();
    loadModules(settings.base, settings.modules && settings.modules.splice(0));
  };

  const signed = <T>(draft: T, { v: visitor, s: session, n: seq, user, group }: Partial<State>) => ({
    visitor,
    session,
    seq,
    ...draft,
    user,
    group,
    consent: spoken(said),
  });

  const record = (draft: Draft): void => {
    const { ads = !optIn } = spoken(said);
    const state = Object.assign(load(storage), client.seed);
    client.seed = undefined;
    if (!ads) draft.url = cleaned(draft.url as string);
    step(state, draft.ts, touchOf(draft.url as string), ads);
    // Conversions and people: what brought the visitor here is asked of them, not of every click.
    if (draft.value != null || draft.type == "identify") {
      draft.props = { first_touch: state.first, last_touch: state.last, ...draft.props };
    }
    if (draft.user) state.user = draft.user;
    if (draft.group) state.group = draft.group;
    if (draft.type == "alias" && !draft.previous) draft.previous = state.v;
    save(storage, state);
    queue.put(signed(draft, state));
    wake();
  };

  const emit: Core["emit"] = (type, fields, name) => {
    const draft = { ...born(type, name), ...pageContext(), ...fields };
    client.hooks.forEach((hook) => hook(draft));
    if (open()) record(draft);
    else if (said.analytics == null && held.length < MOST_HELD) held.push(draft);
  };

  const commands = {
    __proto__: null, // a page's "constructor" or "toString" is no command
    track(name: string, props?: Json, helper?: boolean): void {
      emit("track", lift(props || {}, helper, settings.currency), name);
    },

    page(props?: Json, fields?: Partial<NativeEvent>): void {
      emit("page", { props: { ...viewProps(), ...props }, ...fields }, "page_view");
    },

    identify(user: unknown, traits?: Json): void {
      emit("identify", { user: text(user), traits: traits || {} });
    },

    alias(user: unknown, previous?: unknown): void {
      emit("alias", { user: text(user), previous: text(previous) });
    },

    group(group: unknown, traits?: Json): void {
      emit("group", { group: text(group), traits: traits || {} });
    },

    reset(): void {
      held = [];
      if (open()) save(storage, stranger());
    },

    consent(choice: Consent): void {
      const refused = said.analytics === false;
      const was = open();
      said = { ...said, ...choice };
      if (open()) {
        if (!was && refused) storage.remove(STATE); // agreed again: nobody we knew
        storage.allow(true);
        begin();
        const news = remember(storage, said);
        held.splice(0).forEach(record);
        if (news) emit("consent");
      } else if (said.analytics === false) {
        // Nothing stays on the device; if we were tracking, the collector is told so, from memory.
        held = [];
        const state = was && step(load(storage), Date.now());
        storage.clear();
        if (!optIn) remember(storage, said); // else the next page would start again
        storage.allow(false);
        if (state) {
          save(storage, state);
          queue.put(signed(born("consent"), state));
          wake();
        }
      }
    },

    ready(work: Parameters<Core["ready"]>[0]): void {
      work(signed({}, open() ? load(storage) : {}));
    },

    /** A module says that it is here. The same one twice is one. */
    use(name: string, module: Module): void {
      if (!used[name]) module((used[name] = client));
    },
  };

  const client: Client = {
    ...commands,
    settings,
    storage,
    answers,
    hooks: [],
    emit,
    leave,

    /** One call as the page wrote it: jt("track", "name", {...}). Unknown commands do nothing. */
    command(name: string, ...args: unknown[]): void {
      const work = commands[name as "use"] as (...args: unknown[]) => void;
      if (work) work(...args);
      else if (COMMERCE.test(name)) commands.track(name, args[0] as Json, true);
    },

    start(): void {
      loadModules(settings.base, settings.now);
      if (settings.pages) watchPages((fields) => commands.page({}, fields), settings.first);
      if (open()) begin();
    },
  };

  if (!optIn) {
    storage.allow(true);
    said = { ...said, ...remembered(storage) };
    storage.allow(open());
  }
  return client;
}
