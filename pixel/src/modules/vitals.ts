// Core Web Vitals, by Google's own library. 4.2.4 because later ones are larger than a module may be; the figures agree.

import { onCLS, onINP, onLCP } from "web-vitals";
import type { Metric } from "web-vitals";
import { use } from "../use";

use("vitals", (core) => {
  const tell = ({ name, value, rating, navigationType }: Metric) =>
    core.track("web_vital", { metric: name, score: Math.round(value * 1000) / 1000, rating, navigation: navigationType });
  [onCLS, onINP, onLCP].forEach((watch) => watch(tell));
});
