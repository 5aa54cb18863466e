import type { AcceptedReport, StatusReport } from "../../domain/status-report.ts";
import { digest } from "../mysql/ids.ts";

/** The first answer to a request id, with the digest of the request's content. */
export interface KnownRequest {
  readonly digest: Buffer;
  /** JSON. */
  readonly answer: string;
}

/** A request id, among those of its caller. */
export interface RequestName {
  /** "" for none. */
  readonly requestId: string;
  /** The authenticated caller; default: "", callers that are not authenticated. */
  readonly requestNamespace?: string;
}

/** Maximum length of the key in the table, in bytes. */
const MAX_KEY_BYTES = 512;

/**
 * The key of a request in the table. Names of callers contain no line break, so that the keys of
 * different callers differ.
 */
export function requestKey({ requestId, requestNamespace = "" }: RequestName): string {
  if (requestId === "" || requestNamespace === "") {
    return requestId;
  }
  const key = `${requestNamespace}\n${requestId}`;
  return Buffer.byteLength(key) <= MAX_KEY_BYTES ? key : `${requestNamespace}\n#${digest([requestId]).toString("hex")}`;
}

/**
 * The keys under which a request may be known, the preferred one first. Before callers had ids of
 * their own, an id was stored as it is.
 */
export function knownKeys(request: RequestName): readonly string[] {
  const key = requestKey(request);
  return key === request.requestId ? [key] : [key, request.requestId];
}

/**
 * The known request among those of the keys. One under the id as it is may be another caller's: it
 * counts if its content is the same.
 */
export function findKnownRequest(
  request: RequestName,
  contentDigest: Buffer,
  known: (key: string) => KnownRequest | undefined,
): KnownRequest | undefined {
  const [key = "", formerKey] = knownKeys(request);
  const former = formerKey === undefined ? undefined : known(formerKey);
  return known(key) ?? (former?.digest.equals(contentDigest) ? former : undefined);
}

/** The answer to a change as it is stored; properties whose names end in "Id" are bigints. */
export function encodeAnswer(answer: unknown): string {
  return JSON.stringify(answer, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

export function decodeAnswer(answer: string): unknown {
  return JSON.parse(answer, (key, value) => (key.endsWith("Id") ? BigInt(value) : value));
}

/** SHA-1 of the content of a report; the caller and `validateOnly` are not part of it. */
export function digestOfReport(report: StatusReport): Buffer {
  const { orderId, status, by, occurTime, remark, expectedVersion, cause } = report;
  return digest(["report", String(orderId), status, by, occurTime?.getTime(), remark, expectedVersion, cause.operator]);
}

/** The answer to a report as it is stored: shorter than with property names. */
export function encodeReport({ outcome, orderId, status, version, messageId }: AcceptedReport): string {
  return JSON.stringify([outcome, String(orderId), status, version, messageId]);
}

export function decodeReport(answer: string): AcceptedReport {
  const [outcome, orderId, status, version, messageId] = JSON.parse(answer) as [
    AcceptedReport["outcome"],
    string,
    number,
    number,
    string,
  ];
  return { kind: "accepted", outcome, orderId: BigInt(orderId), status, version, messageId };
}
