/** W3C trace context, version 00 and later versions of the same shape. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** Whether a text is a W3C `traceparent`. */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text);
}

/** The trace id of a `traceparent`; undefined for "". */
export function traceIdOf(traceparent: string): string | undefined {
  return traceparent === "" ? undefined : traceparent.slice(3, 35);
}

/** Whether the `sampled` flag is set. */
export function isSampled(traceparent: string): boolean {
  // The flags are the last two digits; `sampled` is the last bit.
  return (Number.parseInt(traceparent.slice(-1), 16) & 1) === 1;
}
