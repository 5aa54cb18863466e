/** A step of a recipe: the file it changes and the names it mentions. */
export interface RecipeStep {
  /** With `<name>` for a file that the recipe creates. */
  readonly file: string;
  /** Identifiers in inline code that the file has to contain. */
  readonly symbols: readonly string[];
}

export interface Recipe {
  readonly heading: string;
  readonly steps: readonly RecipeStep[];
}

const FILE = /^(?:src|proto|scripts|deploy|docs|test|tools|bench|faults|fuzz|attack)\/[\w./<>-]+\.\w+$/;

/** An exported or declared name, which the step's file must contain. */
const SYMBOL = /^[A-Za-z]\w+$/;

function stepsOf(item: string): RecipeStep[] {
  const [before = "", ...after] = item.split(":");
  const codes = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
  const files = codes(before).filter((code) => FILE.test(code));
  const symbols = codes(after.join(":").split(/\. Run /)[0] ?? "").filter((code) => SYMBOL.test(code));
  return files.map((file, index) => ({ file, symbols: index === 0 ? symbols : [] }));
}

/** The recipes of CONTRIBUTING.md: a section of numbered steps each, `file`: what to do. */
export function recipesOf(text: string): Recipe[] {
  const [, ...sections] = text.split(/^### /m);
  return sections.map((section) => {
    const [heading = "", ...lines] = section.split("\n");
    const items = lines
      .join("\n")
      .split(/^\d+\. /m)
      .slice(1);
    const [last = ""] = items.splice(-1, 1);
    // What follows the list is not part of its last item.
    return { heading, steps: [...items, last.split("\n\n")[0] ?? ""].flatMap(stepsOf) };
  });
}
