/** An error in one line: the system's code where it has one (ECONNREFUSED), else its message. */
export function errorMessage(error: unknown): string {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code === "string" && code.startsWith("E")) {
    return code;
  }
  return typeof message === "string" ? message : String(error);
}
