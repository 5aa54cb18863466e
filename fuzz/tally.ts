import type { FuzzCase } from "./cases/case.ts";
import type { CallResult } from "./clients/answer.ts";

/** Something that must not be. */
export interface Finding {
  /** The request's number, which with the seed makes it again; undefined where it is about no single one. */
  readonly index: number | undefined;
  readonly text: string;
}

/** Codes that no caller's own doing may have. */
const BUGS: ReadonlySet<string> = new Set([
  "INTERNAL",
  "UNKNOWN",
  "DATA_LOSS",
  "UNAVAILABLE",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
]);

/** Why an answer must not be; undefined for one that may. */
export function violationOf({ transport, mutation, hasDeadline }: FuzzCase, { code }: CallResult): string | undefined {
  if (BUGS.has(code) || /^HTTP 5(?!0[145])/.test(code) || /^grpc-status/.test(code)) {
    return code;
  }
  if (code === "DEADLINE_EXCEEDED" && !hasDeadline) {
    return `${code}, without a deadline`;
  }
  // Who does not speak the protocol may be cut off; all others are told.
  const speaks = transport !== "raw bytes" && mutation !== "protocol" && mutation !== "header";
  return speaks && /^(RESET|CLOSED)/.test(code) ? code : undefined;
}

/** What came of the requests. */
export interface Tally {
  readonly sent: number;
  /** Requests by transport and code. */
  readonly codes: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** By RPC: how many were sent, and how many were carried out. */
  readonly rpcs: ReadonlyMap<string, { readonly sent: number; readonly ok: number }>;
  readonly findings: readonly Finding[];
}

/** Findings that are told; of further ones their number is. */
const MAX_FINDINGS = 200;

export function createTally() {
  const codes = new Map<string, Map<string, number>>();
  const rpcs = new Map<string, { sent: number; ok: number }>();
  const findings: Finding[] = [];
  let sent = 0;
  return {
    codes,
    rpcs,
    findings,
    get sent() {
      return sent;
    },
    find(text: string, index?: number): void {
      if (findings.length < MAX_FINDINGS) {
        findings.push({ index, text });
      }
    },
    add(fuzzCase: FuzzCase, answer: CallResult, index: number): void {
      sent += 1;
      const byCode = codes.get(fuzzCase.transport) ?? new Map<string, number>();
      codes.set(fuzzCase.transport, byCode.set(answer.code, (byCode.get(answer.code) ?? 0) + 1));
      const rpc = rpcs.get(fuzzCase.rpc) ?? { sent: 0, ok: 0 };
      rpcs.set(fuzzCase.rpc, { sent: rpc.sent + 1, ok: rpc.ok + (OK.has(answer.code) ? 1 : 0) });
      const fault = violationOf(fuzzCase, answer);
      if (fault !== undefined) {
        this.find(
          `${fuzzCase.rpc} over ${fuzzCase.transport} (${fuzzCase.mutation}): ${fault}: ${answer.text.slice(0, 300)}`,
          index,
        );
      }
    },
  };
}

const OK: ReadonlySet<string> = new Set(["OK", "LEFT"]);
