import stringWidth from "string-width";

/** Colour or style of a cell, a format of util.styleText. */
export type Tone = "green" | "yellow" | "red" | "dim" | "bold";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  /** One line of text. */
  cell(row: Row): string;
  /** For numbers. */
  readonly align?: "right";
  /** Shortened first if the terminal is too narrow. */
  readonly flexible?: true;
  tone?(row: Row): Tone | undefined;
}

/** An output device. */
export interface Screen {
  /** Width in terminal cells; Infinity for no limit. */
  readonly width: number;
  paint(tone: Tone, text: string): string;
}

const GAP = "  ";
/** Minimum width of a flexible column, unless its title is wider. */
const FLEXIBLE_MIN = 12;

const graphemes = new Intl.Segmenter();

/**
 * Truncates a text to a width in terminal cells, with an ellipsis. A Chinese character takes two
 * cells.
 */
export function cutTo(text: string, width: number): string {
  if (stringWidth(text) <= width) {
    return text;
  }
  let kept = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment);
    if (used > width - 1) {
      break;
    }
    kept += segment;
  }
  return width < 1 ? "" : `${kept}…`;
}

function pad(text: string, width: number, align: "right" | undefined): string {
  const space = " ".repeat(Math.max(0, width - stringWidth(text)));
  return align === "right" ? `${space}${text}` : `${text}${space}`;
}

/**
 * The widths of the columns. If the screen is too narrow, flexible columns are shortened first,
 * then the last columns; a column of width 0 is omitted.
 */
function fitWidths(columns: readonly { readonly wanted: number; readonly least: number }[], width: number): number[] {
  let over = columns.reduce((sum, { wanted }) => sum + wanted + GAP.length, -GAP.length) - width;
  const widths = columns.map(({ wanted, least }) => {
    const given = Math.min(Math.max(0, over), Math.max(0, wanted - least));
    over -= given;
    return wanted - given;
  });
  for (let last = widths.length - 1; last >= 0 && over > 0; last -= 1) {
    const has = widths[last] ?? 0;
    const left = Math.max(0, has - over);
    widths[last] = left;
    over -= left === 0 ? has + GAP.length : has - left;
  }
  return widths;
}

/** Formats rows below their titles, one line each, fitted to the screen. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, paint }: Screen,
): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = fitWidths(
    columns.map(({ title, flexible }, index) => {
      const wanted = cells.reduce((most, row) => Math.max(most, stringWidth(row[index] ?? "")), stringWidth(title));
      return { wanted, least: flexible ? Math.max(FLEXIBLE_MIN, stringWidth(title)) : wanted };
    }),
    width,
  );
  const line = (texts: readonly string[], toneOf: (column: Column<Row>) => Tone | undefined) => {
    const parts = columns.flatMap((column, index) => {
      const room = widths[index] ?? 0;
      const text = pad(cutTo(texts[index] ?? "", room), room, column.align);
      const tone = toneOf(column);
      return room === 0 ? [] : [tone === undefined ? text : paint(tone, text)];
    });
    return parts.join(GAP).trimEnd();
  };
  const titles = line(
    columns.map(({ title }) => title),
    () => "bold",
  );
  return [titles, ...rows.map((row, index) => line(cells[index] ?? [], (column) => column.tone?.(row)))].join("\n");
}
