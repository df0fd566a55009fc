import { createRequire } from 'node:module';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { TDocumentDefinitions } from 'pdfmake/interfaces.js';
import type { PdfList } from './pdf.js';

// The thread of platform/pdf.ts: one list in, the bytes of one PDF out. It reads the fonts that come with the library and nothing else.

interface PdfMake {
  setFonts(fonts: Readonly<Record<string, unknown>>): void;
  setUrlAccessPolicy(allow: (url: string) => boolean): void;
  setLocalAccessPolicy(allow: (file: string) => boolean): void;
  createPdf(definition: TDocumentDefinitions): { getBuffer(): Promise<Buffer> };
}

const load = createRequire(import.meta.url);
const pdfmake = load('pdfmake') as PdfMake;
// Roboto has Latin, Greek and Cyrillic, and the currency signs.
const fonts = load('pdfmake/fonts/Roboto.js') as Readonly<Record<string, Readonly<Record<string, string>>>>;
const fontFiles = new Set(
  Object.values(fonts).flatMap((font) => Object.values(font).map((file) => path.resolve(file))),
);
pdfmake.setFonts(fonts);
// A text of ours never names an address to load; should one get in, it loads nothing.
pdfmake.setUrlAccessPolicy(() => false);
pdfmake.setLocalAccessPolicy((file) => fontFiles.has(path.resolve(file)));

/** Points; A4 with room for a footer line. */
const margins: [number, number, number, number] = [40, 44, 40, 52];

/** Points between the margins, and of a letter of the size that lists are set in. */
const widths = { A4: 515, 'wide A4': 762, 'wide A3': 1_111 } as const;
const perLetter = 4.3;
const cellPadding = 9;

/** A word that does not fit into its column breaks anywhere: it would stand over its neighbour. Breaking costs time, so only where it must. */
function broken(list: PdfList, text: string): { readonly wordBreak?: 'break-all' } {
  if (list.paper === undefined) return {};
  const longest = (widths[list.paper] / list.columns.length - cellPadding) / perLetter;
  return text.split(/\s/).some((word) => word.length > longest) ? { wordBreak: 'break-all' } : {};
}

function definitionOf(list: PdfList): TDocumentDefinitions {
  const head = list.columns.map(({ title, align }) => ({ text: title, alignment: align, bold: true }));
  const rows = list.rows.map((row) =>
    list.columns.map(({ align }, at) => ({ text: row[at] ?? '', alignment: align, ...broken(list, row[at] ?? '') })),
  );
  return {
    pageSize: list.paper === 'wide A3' ? 'A3' : 'A4',
    pageOrientation: list.paper === undefined || list.paper === 'A4' ? 'portrait' : 'landscape',
    pageMargins: margins,
    language: list.language,
    defaultStyle: { font: 'Roboto', fontSize: list.paper === undefined ? 9 : 7.5, lineHeight: 1.15 },
    info: { title: list.title, creationDate: new Date(list.createdMs), modDate: new Date(list.createdMs) },
    content: [
      { text: list.title, fontSize: 17, bold: true, margin: [0, 0, 0, 10] },
      {
        layout: 'noBorders',
        margin: [0, 0, 0, 8],
        table: {
          widths: ['auto', '*'],
          body:
            list.facts.length === 0
              ? [['', '']]
              : list.facts.map(([label, value]) => [{ text: label, color: '#555555' }, { text: value }]),
        },
      },
      ...list.notes.map((text) => ({ text, margin: [0, 0, 0, 6] as [number, number, number, number] })),
      {
        layout: 'lightHorizontalLines',
        table: {
          headerRows: 1,
          dontBreakRows: true,
          widths: list.columns.map(({ width }) => width),
          body: [head, ...rows],
        },
      },
      {
        layout: 'noBorders',
        margin: [0, 10, 0, 0],
        table: {
          widths: ['*', 'auto'],
          body:
            list.totals.length === 0
              ? [['', '']]
              : list.totals.map(([label, value]) => [
                  { text: label, alignment: 'right' as const },
                  { text: value, alignment: 'right' as const, bold: true },
                ]),
        },
      },
    ],
    footer: (page: number, pages: number) => ({
      columns: [
        { text: list.footer, color: '#555555' },
        { text: `${page} / ${pages}`, alignment: 'right' as const, color: '#555555' },
      ],
      fontSize: 8,
      margin: [40, 18, 40, 0],
    }),
  };
}

const bytes = await pdfmake.createPdf(definitionOf(workerData as PdfList)).getBuffer();
parentPort?.postMessage(bytes);
