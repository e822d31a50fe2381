// Core Web Vitals, by Google's own library. Version 3.5.2: later ones count interactions in idle callbacks, and lose them
// where a page is left before it was idle (seen in Chromium 156 with 4.2.4, 5.1.0 and 6.2.3); and they are larger.

import { onCLS, onINP, onLCP } from "web-vitals";
import type { Metric } from "web-vitals";
import { use } from "../use";

use("vitals", (core) => {
  const tell = ({ name, value, rating, navigationType }: Metric) =>
    core.track("web_vital", { metric: name, score: Math.round(value * 1000) / 1000, rating, navigation: navigationType });
  [onCLS, onINP, onLCP].forEach((watch) => watch(tell));
});
