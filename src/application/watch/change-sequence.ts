import type { StatusChanged } from "../../domain/events.ts";

/**
 * Puts the changes of one order in version order: they may arrive in any order, repeatedly, or not
 * at all.
 */
export class ChangeSequence {
  #version: number | undefined;
  /** Changes whose predecessor has not arrived, by version. */
  readonly #early = new Map<number, StatusChanged>();
  #stale = false;
  /** The highest version that the broker announced and the history has not shown yet; 0: none. */
  #announced = 0;
  /** Reads of the history since then. */
  #misses = 0;

  /** Version of the last change in sequence; undefined until started. */
  get version(): number | undefined {
    return this.#version;
  }

  /** Whether changes are missing, or may be. */
  get isIncomplete(): boolean {
    return this.#version !== undefined && (this.#early.size > 0 || this.#stale);
  }

  /** The lowest version that arrived early; infinite for none. */
  get firstEarlyVersion(): number {
    return Math.min(...this.#early.keys());
  }

  /** Whether a change of that version is new to the sequence. */
  accepts(version: number): boolean {
    return this.#version === undefined || version > this.#version;
  }

  /** @returns the changes now in sequence; none before the start */
  add(change: StatusChanged): readonly StatusChanged[] {
    this.#early.set(change.version, change);
    return this.#advance();
  }

  /** Starts after a version, once. */
  start(version: number): readonly StatusChanged[] {
    for (const early of this.#early.keys()) {
      if (early <= version) {
        this.#early.delete(early);
      }
    }
    this.#version = version;
    return this.#advance();
  }

  /**
   * Continues with an early change although its predecessors are missing: the history has a hole.
   */
  skipTo(version: number): readonly StatusChanged[] {
    if (this.#version === undefined || this.#version >= version - 1 || !this.#early.has(version)) {
      return [];
    }
    this.#version = version - 1;
    return this.#advance();
  }

  /** Changes may have been missed although no later one has arrived. */
  markStale(): void {
    this.#stale = true;
  }

  /** A version was announced that may exist: the history has to be read. */
  announce(version: number): void {
    this.#stale = true;
    if (version > this.#announced) {
      this.#announced = version;
      this.#misses = 0;
    }
  }

  /** Whether an announced version has not been read. */
  get lacksAnnounced(): boolean {
    return this.#version !== undefined && this.#announced > this.#version;
  }

  /** @returns how often the history has been read without the announced version before */
  countMiss(): number {
    this.#misses += 1;
    return this.#misses - 1;
  }

  /** The announced version does not exist. */
  dropAnnounced(): void {
    this.#announced = 0;
  }

  /** Called before the missing changes are read. */
  clearStale(): void {
    this.#stale = false;
  }

  #advance(): readonly StatusChanged[] {
    const changes: StatusChanged[] = [];
    while (this.#version !== undefined) {
      const next = this.#early.get(this.#version + 1);
      if (next === undefined) {
        break;
      }
      this.#early.delete(next.version);
      this.#version = next.version;
      changes.push(next);
    }
    return changes;
  }
}
