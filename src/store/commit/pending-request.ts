import type { BatchTimes, ChangeProgress, PauseRequest, PauseResult, ReportResult, StatusReport } from "./types.ts";

/** A request with the promise that its caller holds. */
export type PendingRequest = PendingReport | PendingPause;

export interface PendingReport extends Progressing {
  readonly request: StatusReport;
  readonly settle: Settle<ReportResult>;
}

export interface PendingPause extends Progressing {
  readonly request: PauseRequest;
  readonly settle: Settle<PauseResult>;
}

interface Progressing extends ChangeProgress {
  batch: BatchTimes | undefined;
}

export interface Settle<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}
