// Everything that not every site needs is a file of its own, which calls jt("use", name, module) when it is here.

interface Policies {
  createPolicy(name: string, rules: object): { createScriptURL(address: string): string };
}

/** Loads files that the collector named in the site's settings, each with its hash: [path, integrity]. */
export function loadModules(base: string, files: [string, string][] = []): void {
  const types = (window as { trustedTypes?: Policies }).trustedTypes;
  const policy = files.length && types && types.createPolicy("jt", { createScriptURL: (it: string) => it });
  for (const [path, integrity] of files) {
    const tag = document.createElement("script");
    tag.crossOrigin = "anonymous";
    tag.integrity = integrity;
    tag.src = policy ? policy.createScriptURL(base + path) : base + path;
    document.head.appendChild(tag);
  }
}
