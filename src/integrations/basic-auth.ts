/**
 * The header `authorization` that user and password in an address stand for; undefined where there
 * are none.
 */
export function basicAuth({ username, password }: URL): string | undefined {
  if (username === "" && password === "") {
    return undefined;
  }
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(plain).toString("base64")}`;
}
