import type { MetricsSnapshot } from "../../observability/merge-metrics.ts";
import type { EndpointUrls } from "../endpoints.ts";
import type { Ports } from "../listeners.ts";

/** What the primary sends to a worker. */
export type PrimaryMessage =
  /** The answer to `online`. */
  | { readonly kind: "start"; readonly number: number; readonly urls: EndpointUrls }
  /** The answer to `prepared`. */
  | { readonly kind: "listen" }
  | { readonly kind: "stop" }
  /** To be answered with `metrics`. */
  | { readonly kind: "get-metrics" }
  /** The answer to `get-metrics-page`: the page, or why there is none. */
  | { readonly kind: "metrics-page"; readonly page: string; readonly error?: string };

/** What a worker sends to the primary. */
export type WorkerMessage =
  /** The worker receives messages from now on. */
  | { readonly kind: "online" }
  /** The worker waits for `listen`. */
  | { readonly kind: "prepared" }
  | { readonly kind: "listening"; readonly ports: Ports }
  /** The start failed, with a description for the operator; the worker exits. */
  | { readonly kind: "start-failed"; readonly description: string }
  | { readonly kind: "metrics"; readonly snapshot: MetricsSnapshot }
  | { readonly kind: "get-metrics-page" };
