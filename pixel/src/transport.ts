// Getting the queue to the collector: batches, one sender among all tabs, back-off, a last beacon when the page goes.
// At least once: an event leaves the queue only after an answer; the collector counts an id once however often it comes.

import type { Core, NativeEvent, Settings } from "./types";
import type { Queue } from "./queue";
import type { Storage } from "./storage";
import { guard, on } from "./guard";
import { load, save } from "./identity";
import { encode } from "./text";

const GATHER = 10; // ms: what happens together travels together, and most answers are back before a click leaves the page
const MOST_EVENTS = 50;
const MOST_CHARS = 16_000; // keepalive and beacon take 64 kB; a character may be three bytes
const LARGE = 4_000; // characters from which packing pays
const ANSWER_TIME = 20_000; // ms until a silent request counts as failed
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 300_000;
const BLOCKED = 3; // failures without any answer until an image is tried
const ORPHAN_AGE = 60_000; // without locks: another tab's events are ours to send after this time
const WAIT = "w"; // storage key: no request before this time, for all tabs

/** `wake` sends soon, `leave` at once, because the page goes. */
export function transport(settings: Settings, storage: Storage, queue: Queue, answers: Core["answers"]) {
  const endpoint = settings.base + "e";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let busy = false;
  let leaving = false;

  const wake = (delay = GATHER): void => {
    clearTimeout(timer);
    if (leaving) beacon();
    else timer = setTimeout(flush, delay);
  };

  /** Sends now, unless we were told to wait or another tab is at it. */
  const flush = (): void => {
    clearTimeout(timer);
    if (busy || leaving || !queue.waiting()[0]) return;
    const left = pause();
    if (left > 0) return wake(left);
    busy = true;
    const done = () => {
      busy = false;
      if (queue.waiting()[0]) wake(Math.max(pause(), FIRST_PAUSE));
    };
    // The lock is held for one round only: a page that holds one can't enter the back/forward cache. There are none on
    // plain http pages, and sandboxed frames refuse them.
    const alone = () => send((key) => queue.own.has(key) || Date.now() - (key.slice(1, 14) as never) > ORPHAN_AGE);
    const locks = navigator.locks;
    const round: Promise<unknown> = locks
      ? locks.request("jt" + settings.site, { ifAvailable: true }, (lock) => lock && send(() => true)).catch(alone)
      : alone();
    round.then(done, done);
  };

  const pause = (): number => {
    const left = ((storage.get(WAIT) || 0) as number) - Date.now();
    return left > 2 * LONGEST_PAUSE ? 0 : left; // the clock went back: better early than never
  };

  const send = async (mine: (key: string) => boolean): Promise<void> => {
    for (;;) {
      let [keys, body] = batch(mine);
      if (!keys[0]) return;
      const answer = await post(body);
      let { status } = answer;
      if (!status && leaving) return; // the page goes and took the request with it: no sign of trouble
      if (!status && failures >= BLOCKED) {
        keys = [keys[failures % keys.length] as string]; // another one each time: one that is too long for an address blocks nobody
        if (await asImage(keys[0] as string)) status = 200;
      }
      answers.forEach((tell) => tell(status, keys.length, answer));
      // No answer, or one that speaks of later: a server's trouble, a time-out, too many.
      if (!status || /^5|408|429/.test(status as never)) {
        const told = (answer.headers.get("retry-after") as never) * 1000 || 0;
        const ours = Math.min(FIRST_PAUSE * 2 ** failures++, LONGEST_PAUSE) * (0.5 + Math.random());
        storage.set(WAIT, (Date.now() + Math.min(Math.max(told, ours), 2 * LONGEST_PAUSE)) as never);
        return;
      }
      // 2xx: on disk. 4xx: it will never be taken, and must not stand in the way of the rest.
      storage.remove(WAIT);
      queue.drop(keys);
      if (answer.status) {
        failures = 0;
        if (status < 300) confirm(answer.headers.get("x-visitor"));
      }
    }
  };

  const post = async (body: string): Promise<Response> => {
    try {
      // Text is sent as text/plain and bytes without a type, so there is no preflight; the collector knows gzip when it sees it.
      return await fetch(endpoint, {
        method: "POST",
        body:
          body.length > LARGE && self.CompressionStream
            ? await new Response(new Response(body).body!.pipeThrough(new CompressionStream("gzip"))).blob()
            : body,
        credentials: "include",
        keepalive: body.length < MOST_CHARS + 1000,
        signal: AbortSignal.timeout && AbortSignal.timeout(ANSWER_TIME), // browsers before 2022 wait as long as they like
      });
    } catch {
      return Response.error(); // status 0, no headers
    }
  };

  /** Where only fetch is kept from the collector, an image may get through, one event each; true when it did. */
  const asImage = (key: string): Promise<boolean> =>
    new Promise((resolve) => {
      const image = new Image();
      image.onload = image.onerror = (event) => resolve((event as Event).type == "load");
      image.src = endpoint + ".gif?site=" + settings.site + "&event=" + encodeURIComponent(encode(queue.get(key)));
    });

  const batch = (mine: (key: string) => boolean): [string[], string] => {
    const state = load(storage);
    const keys: string[] = [];
    const events: NativeEvent[] = [];
    let chars = 0;
    for (const key of queue.waiting().filter(mine)) {
      const event = queue.get(key);
      if (!event) {
        queue.drop([key]);
        continue;
      }
      chars += encode(event).length;
      if (keys[0] && (chars > MOST_CHARS || keys[MOST_EVENTS - 1])) break;
      if (state.o && event.visitor == state.o) event.visitor = state.v;
      keys.push(key);
      events.push(event);
    }
    return [keys, JSON.stringify({ site: settings.site, sent_at: Date.now(), fresh: state.f, webdriver: navigator.webdriver, events })];
  };

  /** The collector knows us: from now on our id counts, or the cookie's that it told us. */
  const confirm = (visitor: string | null): void => {
    const state = load(storage);
    if (!state.f) return;
    delete state.f;
    if (visitor && visitor != state.v) {
      state.o = state.v;
      state.v = visitor;
    }
    save(storage, state);
  };

  /**
   * The page goes: hand over all that is ours and not acknowledged, posted or not, because browsers abort posts of a page that
   * goes, keepalive or not. It stays queued, because nobody will hear the answer either.
   */
  const beacon = guard(() => {
    if (pause() > 0 || !navigator.onLine) return;
    const [keys, body] = batch((key) => queue.own.has(key));
    // Not ours any more, so that the next beacon of this page leaves them out.
    if (keys[0] && navigator.sendBeacon(endpoint, body)) keys.forEach((key) => queue.own.delete(key));
  });

  on(window, "online", () => {
    storage.remove(WAIT);
    flush();
  });
  on(document, "visibilitychange", flush);
  // What another tab writes, or what the page before wrote in a process of its own, shows up late.
  on(window, "storage", (event) => {
    const { key, newValue } = event as StorageEvent;
    if (newValue && (key as string).startsWith(storage.prefix)) wake(FIRST_PAUSE);
  });
  on(window, "pageshow", () => {
    leaving = false;
    wake();
  });
  const leave = () => {
    leaving = true;
    beacon();
  };
  return { wake, leave };
}
