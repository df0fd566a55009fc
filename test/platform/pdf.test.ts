import { expect, test } from 'vitest';
import { type PdfList, printList } from '../../platform/pdf.js';
import { textOfPdf } from '../support/pdfText.js';

// dependencies.md 2, fact 13: heads on every page, texts that can be read, no request that waits.

const list = (rows: number, change: Partial<PdfList> = {}): PdfList => ({
  title: 'Payout statement',
  language: 'en',
  facts: [['Payee', 'Zoë Żółć · Ωμέγα · Жанна']],
  notes: ['A note.'],
  columns: [
    { title: 'Explanation', align: 'left', width: '*' },
    { title: 'Amount', align: 'right', width: 'auto' },
  ],
  rows: Array.from({ length: rows }, (_, at) => [`Line ${at + 1}`, `${at}.00 €`]),
  totals: [['Paid', '12.34 EUR']],
  footer: 'Shop',
  createdMs: 1_795_000_000_000,
  ...change,
});

test('RPT-04: heads on every page, page numbers, texts of other scripts and currency signs stay readable', async () => {
  const pages = textOfPdf(await printList(list(120)));
  expect(pages.length).toBeGreaterThan(1);
  for (const page of pages) expect(page).toContain('Explanation');
  expect(pages[0]).toContain('Zoë Żółć · Ωμέγα · Жанна');
  expect(pages.join(' ')).toContain('119.00 €');
  expect(pages.at(-1)).toContain('12.34 EUR');
  expect(pages.at(-1)).toContain(`${pages.length} / ${pages.length}`);
});

test('the same content is the same bytes; an empty list is a page', async () => {
  const [one, two] = await Promise.all([printList(list(3)), printList(list(3))]);
  expect(one.equals(two)).toBe(true);
  const none = await printList(list(0, { facts: [], totals: [], notes: [] }));
  expect(textOfPdf(none)).toHaveLength(1);
  expect(none.subarray(0, 5).toString('latin1')).toBe('%PDF-');
});
