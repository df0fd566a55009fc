import { XMLBuilder } from 'fast-xml-parser';

/** An element with its children or its text; an attribute starts with `@`, the text beside one is `#text`. */
type Tree = { readonly [name: string]: string | Tree | readonly Tree[] };

const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', format: true, indentBy: '  ' });

/** XML 1.0 in UTF-8, elements in the order of the tree, texts escaped. */
export function toXml(tree: Tree): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build(tree)}`;
}
