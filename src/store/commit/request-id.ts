import { digest } from "../mysql/digest.ts";
import type { AcceptedReport, StatusReport } from "./types.ts";

/** The first answer to a request id, and of which content it was. */
export interface KnownRequest {
  readonly digest: Buffer;
  /** JSON. */
  readonly answer: string;
}

/** SHA-1 of all that a caller says of a report: not who he is, nor whether he only asks. */
export function digestOf(report: StatusReport): Buffer {
  const { orderId, status, by, occurTime, remark, expectedVersion, cause } = report;
  return digest(["report", String(orderId), status, by, occurTime?.getTime(), remark, expectedVersion, cause.operator]);
}

export function encodeAnswer({ outcome, orderId, status, version, messageId }: AcceptedReport): string {
  return JSON.stringify([outcome, String(orderId), status, version, messageId]);
}

export function decodeAnswer(answer: string): AcceptedReport {
  const [outcome, orderId, status, version, messageId] = JSON.parse(answer) as [
    AcceptedReport["outcome"],
    string,
    number,
    number,
    string,
  ];
  return { kind: "taken", outcome, orderId: BigInt(orderId), status, version, messageId };
}
