import { PAGE_MAX } from "./args.ts";

/** A page of a list. */
interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextPageToken: string;
}

/** The first items of a list, page by page (a page may be short, or empty, and there is more); more: whether some are left. */
export async function readPages<Item>(
  limit: number,
  read: (page: { readonly pageSize: number; readonly pageToken: string }) => Promise<Page<Item>>,
): Promise<{ readonly items: Item[]; readonly more: boolean }> {
  const items: Item[] = [];
  let pageToken = "";
  do {
    const page = await read({ pageSize: Math.min(PAGE_MAX, limit - items.length), pageToken });
    for (const item of page.items) {
      items.push(item);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && items.length < limit);
  return { items, more: pageToken !== "" };
}
