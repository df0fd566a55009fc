import { createHash } from 'node:crypto';
import { insertDocument, moveDocument } from '../../db/affiliate/document.js';
import { getApplicationForm, saveApplicationForm } from '../../db/program/applicationForm.js';
import { findProgram } from '../../db/program/program.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { dateIn } from '../../domain/calendar.js';
import { addDays } from '../../domain/time.js';
import type { DemoAffiliate } from './affiliates.js';

/** A page that says what it stands for, small enough to be read as it is (ISO 32000). */
function sheet(text: string): Buffer {
  const stream = `BT /F1 18 Tf 60 760 Td (${text}) Tj ET`;
  return Buffer.from(
    [
      '%PDF-1.4',
      '1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj',
      '2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj',
      '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj',
      `4 0 obj<</Length ${stream.length}>>stream`,
      stream,
      'endstream endobj',
      '5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj',
      'trailer<</Root 1 0 R>>',
      '%%EOF',
      '',
    ].join('\n'),
    'latin1',
  );
}

const licence = {
  type: 'trade_licence',
  label: 'Trade licence',
  hint: 'The page with your name and the date until which it holds.',
  required: true,
  expires: true,
};
const address = {
  type: 'proof_of_address',
  label: 'Proof of address',
  hint: 'A bill or a letter of an office, at most three months old.',
  required: false,
  expires: false,
};

/**
 * What one program of the demo asks to see, and two documents of an affiliate of it: one is accepted and holds a while, one waits (AFF-24). The
 * program's requirements stay as they are: nobody's way is blocked.
 */
export async function makeDocuments(tx: Tx, act: Act, affiliates: readonly DemoAffiliate[]): Promise<void> {
  const shown = affiliates.find(({ told, enrolments }) => told.status === 'approved' && enrolments.length > 0);
  const programId = shown?.enrolments[0]?.program.id;
  const program = programId === undefined ? undefined : await findProgram(tx, programId);
  if (shown === undefined || program === undefined) return;
  const form = await getApplicationForm(tx, program);
  const { language, introduction, company, website, country, questions } = form;
  const asked = { language, introduction, company, website, country, questions, documents: [licence, address] };
  await saveApplicationForm(tx, act, form, asked);
  for (const { type, label, expires } of [licence, address]) {
    const bytes = sheet(`${label}: an example`);
    const document = await insertDocument(tx, act, {
      id: act.newId('document'),
      affiliateId: shown.id,
      type,
      label,
      fileName: `${type}.pdf`,
      contentType: 'application/pdf',
      expiresOn: expires ? dateIn('UTC', addDays(act.now, 200)) : null,
      sha256: createHash('sha256').update(bytes).digest(),
      bytes,
    });
    if (expires) await moveDocument(tx, act, document, 'accepted', null);
  }
}
