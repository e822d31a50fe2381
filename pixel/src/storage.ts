// localStorage that may be missing, full, blocked or forbidden for now: then a copy in memory serves this page.
// Nothing here touches the device before `allow(true)`.

import { guard } from "./guard";

export type Storage = ReturnType<typeof makeStorage>;

export function makeStorage(prefix: string) {
  const memory = new Map<string, string>();
  let device: globalThis.Storage | undefined;

  const names = (start: string): string[] =>
    [...(guard(() => Object.keys(device || {}))() || []), ...memory.keys()]
      .filter((key) => key.startsWith(prefix + start))
      .map((key) => key.slice(prefix.length));

  const remove = (key: string): void => {
    memory.delete(prefix + key);
    guard(() => device && device.removeItem(prefix + key))();
  };

  return {
    prefix,
    names,
    remove,

    /** True: use the device from now on. False: memory only; what lies on the device stays (see `clear`). */
    allow(yes: boolean): void {
      device = yes ? guard(() => localStorage)() : undefined;
    },

    clear: () => names("").forEach(remove),

    get: (key: string): string | undefined => guard(() => device && device.getItem(prefix + key))() || memory.get(prefix + key),

    /** The device's copy leads; memory keeps what the device refused. */
    set(key: string, value: string): void {
      memory.delete(prefix + key);
      if (!guard(() => device && (device.setItem(prefix + key, value), 1))()) memory.set(prefix + key, value);
    },
  };
}
