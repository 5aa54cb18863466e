/** W3C trace context, as far as it is known today. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** Whether a text is a W3C `traceparent`. */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text);
}

/** The trace's id in a `traceparent`; undefined for "". */
export function traceIdOf(traceparent: string): string | undefined {
  return traceparent === "" ? undefined : traceparent.slice(3, 35);
}

/** Whether the trace is one of those that are kept. */
export function isSampled(traceparent: string): boolean {
  // The flags are the last two digits, and this one is the last bit.
  return (Number.parseInt(traceparent.slice(-1), 16) & 1) === 1;
}
