import { inflateSync } from 'node:zlib';

// What a reader sees in a PDF that pdfkit wrote: the text of each page, through the fonts' own tables to Unicode.

interface PdfObject {
  readonly head: string;
  readonly stream: string;
}

function objectsOf(file: Buffer): ReadonlyMap<string, PdfObject> {
  const text = file.toString('latin1');
  const objects = new Map<string, PdfObject>();
  for (const match of text.matchAll(/(?:^|\n)(\d+) 0 obj\n([\s\S]*?)\nendobj/g)) {
    const [, id = '', body = ''] = match;
    const at = body.indexOf('stream\n');
    const head = at < 0 ? body : body.slice(0, at);
    const length = Number(/\/Length (\d+)/.exec(head)?.[1] ?? 0);
    const raw = Buffer.from(at < 0 ? '' : body.slice(at + 7, at + 7 + length), 'latin1');
    const stream = raw.length === 0 ? '' : (head.includes('FlateDecode') ? inflateSync(raw) : raw).toString('latin1');
    objects.set(id, { head, stream });
  }
  return objects;
}

function unicodeOf(hex: string): string {
  return Buffer.from(hex, 'hex').swap16().toString('utf16le');
}

/** Glyph number in hex → text. */
function glyphsOf(cmap: string): ReadonlyMap<string, string> {
  const glyphs = new Map<string, string>();
  for (const [, from = '', , list = ''] of cmap.matchAll(/<([0-9a-f]{4})> <([0-9a-f]{4})> \[([^\]]*)\]/gi)) {
    const first = Number.parseInt(from, 16);
    [...list.matchAll(/<([0-9a-f]+)>/gi)].forEach(([, hex = ''], index) =>
      glyphs.set((first + index).toString(16).padStart(4, '0'), unicodeOf(hex)),
    );
  }
  return glyphs;
}

/** The text of each page, in the order in which it was set; words that belong together are joined, places are not kept. */
export function textOfPdf(file: Buffer): readonly string[] {
  const objects = objectsOf(file);
  const at = (id: string | undefined): PdfObject => objects.get(id ?? '') ?? { head: '', stream: '' };
  const reference = (head: string, name: string): string | undefined =>
    new RegExp(`/${name} (\\d+) 0 R`).exec(head)?.[1];
  const pages = [...objects.values()].filter(({ head }) => /\/Type \/Page\b/.test(head));
  return pages.map(({ head }) => {
    const resources = at(reference(head, 'Resources')).head;
    const fonts = new Map<string, ReadonlyMap<string, string>>();
    for (const [, name = '', id = ''] of resources.matchAll(/\/(F\d+) (\d+) 0 R/g))
      fonts.set(name, glyphsOf(at(reference(at(id).head, 'ToUnicode')).stream));
    let font: ReadonlyMap<string, string> = new Map();
    const words: string[] = [];
    for (const [, chosen, shown] of at(reference(head, 'Contents')).stream.matchAll(
      /\/(F\d+) [\d.]+ Tf|\[(.*?)\] TJ/g,
    )) {
      if (chosen !== undefined) font = fonts.get(chosen) ?? font;
      else
        words.push(
          [...(shown ?? '').matchAll(/<([0-9a-f]+)>/gi)]
            .flatMap(([, hex = '']) => hex.toLowerCase().match(/.{4}/g) ?? [])
            .map((glyph) => font.get(glyph) ?? '\u{fffd}')
            .join(''),
        );
    }
    return words.join(' ').replaceAll(/ {2,}/g, ' ');
  });
}
