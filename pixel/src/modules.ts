// Everything that not every site needs is a file of its own, which calls jt("use", name, module) when it is here.

interface Policy {
  createScriptURL(address: string): string;
}

/** Loads files that the collector named in the site's settings, each with its hash: [path, integrity]. */
export function loadModules(base: string, files: [string, string][] = []): void {
  const { trustedTypes } = window as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } };
  const plain: Policy = { createScriptURL: (address) => address };
  const policy = files.length && trustedTypes ? trustedTypes.createPolicy("jt", plain) : plain;
  for (const [path, integrity] of files) {
    const src = policy.createScriptURL(base + path);
    document.head.append(Object.assign(document.createElement("script"), { crossOrigin: "anonymous", integrity, src }));
  }
}
