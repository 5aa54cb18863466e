/** Has the embedded neighbours that mail and message take so long for each request, in milliseconds; 0 takes it back. */
export async function delayMail(urls: readonly string[], delayMs: number): Promise<void> {
  for (const url of urls) {
    const system = new URL(url).pathname.slice(1);
    const rule = delayMs === 0 ? { system, mode: "ok" } : { system, mode: "slow", delayMs };
    const { ok } = await fetch(new URL("/control", url), { method: "POST", body: JSON.stringify(rule) });
    if (!ok) {
      throw new Error(`${system} is not a stub system`);
    }
  }
}
