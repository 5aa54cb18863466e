import { status as GrpcCode, type ServiceError } from "@grpc/grpc-js";
import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { DEADLINE_MS, detailOf } from "../client/index.ts";
import { clean } from "./format.ts";

/** What the command line exits with; a Ctrl-C that cuts work short is 130, as everywhere. */
export const ExitCode = { OK: 0, REFUSED: 1, USAGE: 2, UNREACHABLE: 3, INTERRUPTED: 130 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A server cannot be reached; the message says which, and what to do. */
export class UnreachableError extends Error {
  override readonly name = "OutOfReachError";
}

/** A call of the service that did not succeed. */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly failure: ServiceError;
  /** HOST:PORT that was called. */
  readonly server: string;
  readonly method: string;

  constructor(failure: ServiceError, server: string, method: string) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.server = server;
    this.method = method;
  }
}

/** A failure for people (and scripts): what to exit with, a gRPC code's name, and what happened and what to do next. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly message: string;
}

/** Whether nobody that knows the service answered: its own UNAVAILABLE (the database is away) carries details. */
function isOutOfReach({ code, details, metadata }: ServiceError): boolean {
  const own = (metadata?.get("grpc-status-details-bin") ?? []).length > 0;
  return !own && (code === GrpcCode.UNAVAILABLE || details.startsWith("Received HTTP status code"));
}

/** @throws error itself, when it is a bug of ours */
export function describeFailure(error: unknown): Failure {
  if (error instanceof UnreachableError) {
    return { exitCode: ExitCode.UNREACHABLE, code: "UNAVAILABLE", message: error.message };
  }
  if (error instanceof CallError) {
    return explainCall(error);
  }
  throw error;
}

function explainCall({ failure, server, method }: CallError): Failure {
  const code = GrpcCode[failure.code] ?? String(failure.code);
  const because = (exitCode: ExitCode, message: string): Failure => ({ exitCode, code, message: clean(message) });
  if (isOutOfReach(failure)) {
    return because(
      ExitCode.UNREACHABLE,
      `Nothing that speaks gRPC answers at ${server} (${reasonOf(failure)}). Does the service run? Start it with npm start, or say where it is: --server HOST:PORT, or OMS_SERVER. Where it speaks TLS, --tls-ca FILE (or OMS_SERVER_CA_FILE) names its CA.`,
    );
  }
  switch (failure.code) {
    case GrpcCode.DEADLINE_EXCEEDED:
      return because(
        ExitCode.UNREACHABLE,
        `No answer from ${server} within ${DEADLINE_MS / 1000} s: the address is wrong, or the service is overloaded. Run the same command again, or say where the service is: --server HOST:PORT, or OMS_SERVER.`,
      );
    case GrpcCode.UNIMPLEMENTED:
      return because(
        ExitCode.REFUSED,
        `The service at ${server} does not know ${method}: it is another version than this command line. Restart it from the same sources (npm start).`,
      );
    case GrpcCode.INVALID_ARGUMENT: {
      const fields = detailOf(failure, BadRequestSchema)?.fieldViolations ?? [];
      const faults = fields.map(({ field, description }) => `${field}: ${description}`).join("; ");
      return because(ExitCode.REFUSED, `The service does not take that: ${faults || failure.details}`);
    }
    case GrpcCode.UNAUTHENTICATED:
      return because(
        ExitCode.REFUSED,
        `The service does not know who you are: ${failure.details}. Put your bearer token into OMS_TOKEN, or show a certificate: --client-cert, --client-key.`,
      );
    case GrpcCode.PERMISSION_DENIED:
      return because(
        ExitCode.REFUSED,
        `You may not do that: ${failure.details}. Roles are in the service's table of rights.`,
      );
    case GrpcCode.UNAVAILABLE:
    case GrpcCode.RESOURCE_EXHAUSTED:
      return because(
        ExitCode.REFUSED,
        `The service cannot do that now: ${failure.details}. Run the same command again in a moment.`,
      );
    default:
      return because(ExitCode.REFUSED, `${failure.details} (${code})`);
  }
}

/** Of what grpc-js says about a connection that did not come about, the part that tells. */
function reasonOf({ details }: ServiceError): string {
  return /Last error: (?:Error: )?(.*?)(?:\. Resolution note:.*)?$/s.exec(details)?.[1] ?? details;
}
