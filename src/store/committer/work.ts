import type { PauseRequest, PauseResult, ReportResult, StatusReport } from "./types.ts";

/** A request with the promise that its caller holds. */
export type Work = ReportWork | PauseWork;

export interface ReportWork {
  readonly request: StatusReport;
  readonly settle: Settle<ReportResult>;
}

export interface PauseWork {
  readonly request: PauseRequest;
  readonly settle: Settle<PauseResult>;
}

export interface Settle<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}
