import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { DEADLINE_MS } from "../client/index.ts";
import { clean } from "./format.ts";

/** Exit codes of the command line. */
export const ExitCode = { OK: 0, REFUSED: 1, USAGE: 2, UNREACHABLE: 3, INTERRUPTED: 130 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A server cannot be reached; the message names it and has the remedy. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/**
 * A failed command: its exit code, the name of a gRPC code, and what happened and what to do next.
 */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly message: string;
}

/** The answer of the service's HTTP port to a gRPC client. */
const WRONG_PORT = /gRPC is served on port \d+/;

/** The name of a gRPC code: "NOT_FOUND". */
function nameOf(code: Code): string {
  return code === Code.Canceled
    ? "CANCELLED"
    : (Code[code] ?? String(code)).replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/**
 * Describes a failed command.
 *
 * @param server HOST:PORT that was called
 * @throws error itself if it is neither a failed call nor an unreachable server
 */
export function describeFailure(error: unknown, server: string): Failure {
  if (error instanceof UnreachableError) {
    return { exitCode: ExitCode.UNREACHABLE, code: "UNAVAILABLE", message: error.message };
  }
  if (!(error instanceof ConnectError)) {
    throw error;
  }
  const { rawMessage } = error;
  const failure = (exitCode: ExitCode, message: string): Failure => ({
    exitCode,
    code: nameOf(error.code),
    message: clean(message),
  });
  if (isUnreachable(error) && error.code !== Code.DeadlineExceeded) {
    return {
      exitCode: ExitCode.UNREACHABLE,
      code: "UNAVAILABLE",
      message: clean(
        `No gRPC server answers at ${server} (${rawMessage}). Start the service with npm start, or set its address with --server HOST:PORT or OMS_SERVER. If it uses TLS, set its CA with --tls-ca FILE or OMS_SERVER_CA_FILE.`,
      ),
    };
  }
  switch (error.code) {
    case Code.DeadlineExceeded:
      return failure(
        ExitCode.UNREACHABLE,
        `No answer from ${server} within ${DEADLINE_MS / 1000} s: the address is wrong or the service is overloaded. Retry, or set the address with --server HOST:PORT or OMS_SERVER.`,
      );
    case Code.Unimplemented:
      if (WRONG_PORT.test(rawMessage)) {
        return failure(
          ExitCode.UNREACHABLE,
          `No gRPC server answers at ${server}: ${rawMessage}. Set the address with --server HOST:PORT or OMS_SERVER.`,
        );
      }
      return failure(
        ExitCode.REFUSED,
        `The service at ${server} is another version than this command line (${rawMessage}). Restart it from the same sources with npm start.`,
      );
    case Code.InvalidArgument: {
      const violations = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
      const fields = violations.map(({ field, description }) => `${field}: ${description}`).join("; ");
      return failure(ExitCode.REFUSED, `The service rejected the request: ${fields || rawMessage}`);
    }
    case Code.Unauthenticated:
      return failure(
        ExitCode.REFUSED,
        `Not authenticated: ${rawMessage}. Set OMS_TOKEN to a bearer token, or pass a certificate with --client-cert and --client-key.`,
      );
    case Code.PermissionDenied:
      return failure(
        ExitCode.REFUSED,
        `Permission denied: ${rawMessage}. Permissions are set in the OMS_PERMISSIONS_FILE of the service.`,
      );
    case Code.Unavailable:
    case Code.ResourceExhausted:
      return failure(ExitCode.REFUSED, `The service cannot do that now: ${rawMessage}. Retry in a moment.`);
    default:
      return failure(ExitCode.REFUSED, `${rawMessage} (${nameOf(error.code)})`);
  }
}

/**
 * Whether the error came from the connection rather than from the service. An UNAVAILABLE of the
 * service itself (its database is unreachable) carries details; one of a proxy does not.
 */
export function isUnreachable({ code, details, metadata }: ConnectError): boolean {
  return !metadata.has("grpc-status") || (code === Code.Unavailable && details.length === 0);
}
